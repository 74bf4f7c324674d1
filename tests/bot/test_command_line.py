"""The command line as it is typed: what it says of wrong files, wrong settings and a database that is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from bot.cli import main

SARAH = Path(__file__).parents[1] / "scenarios" / "sarah.yaml"
NOWHERE = "postgresql://nobody@127.0.0.1:1/amiable"
PLANS = """groups: [people]
plans:
  - plan: p
    group: people
    start: {after_days: 1, min_debt: 1}
    stages:
      - stage: first
        actions: [{send: SCRIPT, by: [sms]}]
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without a .env, and arguments that are put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)


def amiable(*words: str) -> int:
    """Type a command. Its exit code."""
    sys.argv = ["amiable", *words]
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def plans(tmp_path: Path, script: str) -> str:
    file = tmp_path / "plans.yaml"
    file.write_text(PLANS.replace("SCRIPT", script))
    return str(file)


@pytest.mark.parametrize(("command", "code"), [(("check",), 1), (("import", "plans"), 2)])
def test_a_plan_with_an_unknown_script_is_refused_with_its_line(
    command: tuple[str, ...],
    code: int,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    file = plans(tmp_path, "remainder")
    assert amiable(*command, file) == code
    assert f"{file}:8: plan p: there is no script 'remainder'" in capsys.readouterr().err
    with psycopg.connect(make_url(database_url).set(drivername="postgresql").render_as_string(False)) as connection:
        assert connection.execute("select count(*) from plans").fetchone() == (0,)


def test_plans_go_in_by_an_address_as_others_write_it(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url.replace("postgresql+psycopg:", "postgres:"))
    assert amiable("import", "plans", plans(tmp_path, "reminder")) == 0
    assert capsys.readouterr().out == "plans: 1 read, 1 put in force, 0 the same\n"


@pytest.mark.parametrize("text", ["plans: []\n", "groups: []\nplans: []\n"])
def test_plans_without_groups_are_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plans.yaml").write_text(text)
    assert amiable("check", "plans.yaml") == 1
    assert "group" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"plans: ["])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_checked(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "other.yaml").write_bytes(content)
    assert amiable("check", "other.yaml", plans(tmp_path, "remainder")) == 2
    told = capsys.readouterr().err
    assert "other.yaml:" in told
    assert "there is no script 'remainder'" in told


@pytest.mark.parametrize(
    "command",
    [("simulate", str(SARAH)), ("import", "plans", "plans.yaml"), ("user", "list"), ("doctor",)],
    ids=" ".join,
)
def test_a_database_that_does_not_answer_is_3(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", NOWHERE)
    plans(tmp_path, "reminder")
    assert amiable(*command) == 3
    told = capsys.readouterr()
    assert "The database does not answer" in told.out + told.err


def test_a_role_that_may_make_no_database_is_told_what_it_lacks(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = make_url(database_url).set(drivername="postgresql")
    role = f"small_{plain.database}"
    with psycopg.connect(plain.render_as_string(False), autocommit=True) as connection:
        connection.execute(f"create role {role} login password 'small'")
        try:
            small = plain.set(username=role, password="small").render_as_string(False)
            monkeypatch.setenv("AMIABLE_DATABASE_URL", small)
            assert amiable("simulate", str(SARAH)) == 3
        finally:
            connection.execute(f"drop role {role}")
    assert "CREATEDB" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [("simulate", str(SARAH)), ("import", "plans", "plans.yaml"), ("user", "list"), ("demo", "--once")]
)
def test_wrong_settings_are_2_in_commands_that_need_only_a_store(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("AMIABLE_DATABASE_ULR=postgresql://db/amiable\n")
    assert amiable(*command) == 2
    assert "unknown settings: AMIABLE_DATABASE_ULR" in capsys.readouterr().err
    (tmp_path / ".env").write_text("AMIABLE_DATABASE_URL=mysql://db/amiable\n")
    assert amiable(*command) == 2
    assert "AMIABLE_DATABASE_URL: write the address of a PostgreSQL" in capsys.readouterr().err


def test_the_doctor_calls_a_wrong_setting_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", "mysql://db/amiable")
    assert amiable("doctor") == 1
    told = capsys.readouterr().out
    assert "FAULT settings: AMIABLE_DATABASE_URL: write the address of a PostgreSQL" in told
    assert "database:" not in told


def test_the_doctor_finds_an_address_it_cannot_listen_at(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_NUMBER", "MAIL_DOMAIN", "PAYMENTS_KEY"):
        monkeypatch.setenv(f"AMIABLE_{name}", "x")
    for name in ("SMTP_URL", "PAYMENTS_URL", "PAYMENTS_WEBHOOK_SECRET"):
        monkeypatch.setenv(f"AMIABLE_{name}", "http://127.0.0.1:1")
    monkeypatch.setenv("AMIABLE_MAIL_LISTEN", "everywhere")
    assert amiable("doctor") == 1
    told = capsys.readouterr().out
    assert "FAULT settings: 'everywhere' is not an address" in told
    assert "ok    database: PostgreSQL" in told
