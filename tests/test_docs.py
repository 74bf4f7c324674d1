"""Documents that cannot go stale: settings and commands are all named, and nothing is named that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from bot.cli import app
from bot.settings import PREFIX, BadSettings, Settings, StoreSettings, load_settings

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / ".env.example").read_text()
README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_example_and_no_other() -> None:
    named = set(re.findall(rf"^#? ?({PREFIX}\w+)=", EXAMPLE, flags=re.M))
    assert named == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_command_is_in_the_readme() -> None:
    command = get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    missing = [name for name in command.commands if f"`amiable {name}" not in README]
    assert missing == []


def test_every_file_the_readme_names_is_there() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", README)
    named = {*links, *re.findall(r"`((?:engine|tests|docs|locales)/[\w./-]+)`", README)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_decision_is_numbered_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


def test_an_unknown_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMIABLE_TWILLIO_NUMBER", "+1")
    with pytest.raises(BadSettings, match="AMIABLE_TWILLIO_NUMBER"):
        load_settings(Settings)


@pytest.mark.parametrize("kind", [Settings, StoreSettings])
def test_an_unknown_setting_in_the_file_is_refused_too(
    kind: type[StoreSettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("AMIABLE_TWILLIO_NUMBER=+1\n")
    with pytest.raises(BadSettings, match="AMIABLE_TWILLIO_NUMBER"):
        load_settings(kind)


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadSettings) as refused:
        load_settings(Settings)
    for name in ("AMIABLE_TWILIO_AUTH_TOKEN", "AMIABLE_SMTP_URL", "AMIABLE_PAYMENTS_KEY"):
        assert name in str(refused.value)


def test_the_example_is_a_whole_configuration_once_it_is_filled_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(EXAMPLE)
    with pytest.raises(BadSettings, match="AMIABLE_TWILIO_AUTH_TOKEN"):
        load_settings(Settings)
    (tmp_path / ".env").write_text(re.sub(r"^(AMIABLE_(?:TWILIO|MAIL|PAYMENTS)\w+)=$", r"\1=x", EXAMPLE, flags=re.M))
    settings = load_settings(Settings)
    assert settings.creditor == "Acme Telecom"
    assert settings.languages == ("en", "ro", "uk", "ru")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_may_be_written_as_others_write_it(
    scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMIABLE_DATABASE_URL", f"{scheme}://ana:p%40ss@db:5433/amiable?sslmode=require")
    expected = "postgresql+psycopg://ana:p%40ss@db:5433/amiable?sslmode=require"
    assert load_settings(StoreSettings).database_url == expected


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "sqlite:///amiable.db", "postgresql://USER:PASSWORD@HOST"),
        ("DATABASE_URL", "postgresql+asyncpg://db/amiable", "postgresql://USER:PASSWORD@HOST"),
        ("DATABASE_URL", "db.example.com", "postgresql://USER:PASSWORD@HOST"),
        ("DATABASE_URL", "postgresql://db:port/amiable", "postgresql://USER:PASSWORD@HOST"),
        ("SEND_FROM", "20:00", "AMIABLE_SEND_UNTIL: must be later than AMIABLE_SEND_FROM"),
        ("SEND_UNTIL", "08:30", "08:30 is not later than 09:00"),
        ("SEND_FROM", "09:00Z", "AMIABLE_SEND_FROM: write the time without a zone"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(BadSettings, match=told):
        load_settings(StoreSettings)
