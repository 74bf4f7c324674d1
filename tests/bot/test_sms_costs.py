"""What scripts cost by SMS: in segments and in money, written as they are and in plain letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.cli.costs import PLACE
from bot.markdown import END, NoPlace
from dialogs.catalog import load_catalogs
from dialogs.checks.cost import Cost, Segments, costs
from dialogs.flow import SHARED
from dialogs.script import PACKAGED, load_scripts
from engine.contact import ChannelKind

PAGE = Path(__file__).parents[2] / "docs" / "sms-costs.md"


def told(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", "--segments", *options])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def found() -> list[Cost]:
    return list(costs(load_scripts(), load_catalogs()))


def test_the_page_holds_what_the_command_says(tmp_path: Path) -> None:
    copy = tmp_path / "costs.md"
    copy.write_text(PAGE.read_text())
    assert told("--into", str(copy)) == (0, "")
    assert copy.read_text() == PAGE.read_text(), "write it anew: amiable check --segments --into docs/sms-costs.md"


def test_every_script_for_sms_has_its_costs_in_every_language(found: list[Cost]) -> None:
    texted = {name for name, script in load_scripts().items() if ChannelKind.SMS in script.channels}
    assert {cost.script for cost in found} == {*texted, SHARED}
    assert len(found) == (len(texted) + 1) * len(load_catalogs())


def test_plain_letters_are_never_dearer_and_english_has_no_others(found: list[Cost]) -> None:
    for cost in found:
        assert cost.first.usual <= cost.longest.usual
        assert cost.longest.plain <= cost.longest.usual
        assert cost.language != "en" or cost.longest == Segments(cost.longest.usual, cost.longest.usual)


def test_a_price_turns_segments_into_money(found: list[Cost]) -> None:
    code, printed = told("--json", "--price", "0.05")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert (code, len(lines)) == (0, len(found))
    assert all(float(line["longest_price"]) == pytest.approx(0.05 * line["longest"]) for line in lines)
    code, printed = told("--price", "1.5")
    assert (code, printed.splitlines()[-1].split(" | ")[1]) == (
        0,
        str(1.5 * sum(cost.first.usual for cost in found if cost.language == "en")),
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--price", "much"), "amiable: 'much' is no price; write it as 0.05\n"),
        (("--price", "-1"), "amiable: '-1' is no price; write it as 0.05\n"),
        (("--into", "{page}"), f"amiable: {NoPlace.__doc__} They are {PLACE} and {END}\n"),
    ],
)
def test_what_cannot_be_priced_is_told(tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n")
    assert told(*(option.format(page=page) for option in options)) == (2, complaint)


def test_a_draft_has_its_own_costs_in_the_languages_it_is_written_in(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text("spec: 2\nscript: draft\nbegun_by: client\nstart: a\nsteps: {a: {say: Hello}}\n")
    code, printed = told("--json", str(draft))
    assert (code, [json.loads(line)["script"] for line in printed.splitlines()]) == (0, ["draft"])
    packaged = told("--json", str(PACKAGED / "reminder.yaml"))[1].splitlines()
    assert {json.loads(line)["language"] for line in packaged} == set(load_catalogs())


@pytest.mark.parametrize("options", [("--price", "1"), ("--json",), ("--into", "page.md")])
def test_what_belongs_to_segments_is_refused_without_them(options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["check", *options])
    assert (result.exit_code, "belong to --segments" in result.stderr) == (2, True)
