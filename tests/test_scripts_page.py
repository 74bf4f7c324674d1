"""The page about writing scripts cannot go stale: its scripts are checked, its talks played, its translation used."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from dialogs.catalog import LOCALES, SOURCE, load_catalogs
from dialogs.check import check
from dialogs.facts import MATTERS
from dialogs.flow import RungKind, Script
from dialogs.script import load_scripts, parse_script
from dialogs.text import FACTS

PAGE = (Path(__file__).parents[1] / "docs" / "scripts.md").read_text()
BLOCK = re.compile(r"^```(yaml|console|po)\n(.*?)^```$", flags=re.M | re.S)
BLOCKS = BLOCK.findall(PAGE)
SCRIPTS = [text for kind, text in BLOCKS if kind == "yaml"]


def consoles() -> list[tuple[str, str]]:
    """Every talk and check of the page, with the script that the reader has by then."""
    script, found = "", []
    for kind, text in BLOCKS:
        script = text if kind == "yaml" else script
        found += [(script, text)] if kind == "console" else []
    return found


def run(console: str) -> str:
    """The console as it looks after the command of its first line, with the same lines typed."""
    command, *lines = console.splitlines()
    typed = "".join(f"{line.removeprefix('> ')}\n" for line in lines if line.startswith("> "))
    done = CliRunner().invoke(app, command.removeprefix("$ amiable ").split(), input=typed)
    assert done.exit_code == 0, done.stderr
    return f"{command}\n{done.stdout.rstrip()}\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_of_the_page_has_nothing_to_find_fault_with(script: str) -> None:
    parsed = parse_script(script, "payday.yaml")
    english = {SOURCE: load_catalogs()[SOURCE]}
    assert check({**load_scripts(), parsed.name: parsed}, english) == []


@pytest.mark.parametrize(("script", "console"), consoles())
def test_every_talk_of_the_page_goes_as_shown(
    script: str, console: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{parse_script(script, 'any.yaml').name}.yaml").write_text(script)
    assert run(console) == console


def test_the_translation_of_the_page_is_whole(tmp_path: Path) -> None:
    (po,) = (text for kind, text in BLOCKS if kind == "po")
    shutil.copytree(LOCALES / SOURCE, tmp_path / SOURCE)
    shutil.copytree(LOCALES / "ro", tmp_path / "ro")
    catalog = tmp_path / "ro" / "LC_MESSAGES" / "messages.po"
    catalog.write_text(f"{catalog.read_text()}\n{po}")
    assert check({**load_scripts(), "payday": last()}, load_catalogs(tmp_path)) == []


def test_every_rung_matter_and_script_is_explained() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ", PAGE, flags=re.M)
    named = [name for row in rows for name in re.findall(r"\w+", row)]
    assert sorted(named) == sorted([*RungKind, *MATTERS, *load_scripts()])


def test_every_fact_is_explained() -> None:
    shown = set(re.findall(r"\{([\w.]+)\}", PAGE))
    slots = {slot for script in SCRIPTS for slot in parse_script(script, "any.yaml").slots}
    assert shown <= set(FACTS) | slots
    beside = {"promise_days", "upcoming_accounts"}
    others = {fact for fact in FACTS if fact.partition(".")[0] in MATTERS}
    assert set(FACTS) - beside - others <= shown


def last() -> Script:
    return parse_script(SCRIPTS[-1], "payday.yaml")
