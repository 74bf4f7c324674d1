"""`amiable check` on plans and scenarios: what cannot work is told with its line, what may be meant is a warning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.cli.check import SENT_BY, always_names_a_restriction
from dialogs.grammar import schema
from dialogs.script import PACKAGED, load_scripts, parse_script

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yaml"))
SARAH = (Path(__file__).parents[1] / "scenarios" / "sarah.yaml").read_text()
PLANS = """groups: [people]
plans:
  - plan: p
    group: people
    standard: true
    start: {after_days: 1, min_debt: 20}
    stages:
      - stage: first
        actions: [{send: warning, by: [sms]}]
"""


def check(tmp_path: Path, text: str) -> tuple[int, str, str]:
    """Exit code, what is printed, and what is complained about."""
    file = tmp_path / "file.yaml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["check", str(file)])
    return result.exit_code, result.stdout, result.stderr.replace(str(file), "FILE")


def test_every_scenario_and_the_packaged_plans_pass() -> None:
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
    result = CliRunner().invoke(app, ["check", *map(str, SCENARIOS)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "No problems found.\n", "")


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("min_debt: 20}", "min_debt: 20}\n    exit_debt: 30", "FILE:6: work starts at 20, and a case ends at 30"),
        ("send: warning", "send: remainder", "FILE:9: plan p: there is no script 'remainder'"),
        ("by: [sms]", "by: [fax]", "FILE:9: 'fax' is not one of: sms, voice, email, telegram"),
    ],
)
def test_a_plan_that_cannot_work_is_1(tmp_path: Path, written: str, instead: str, told: str) -> None:
    code, _, complaints = check(tmp_path, PLANS.replace(written, instead))
    assert code == 1
    assert told in complaints


def test_a_stage_that_sends_what_only_some_clients_have_is_a_warning(tmp_path: Path) -> None:
    matters = [name for name, script in load_scripts().items() if script.matter in SENT_BY]
    for name in matters:
        code, _, complaints = check(tmp_path, PLANS.replace("send: warning", f"send: {name}"))
        assert code == 0
        assert f"FILE:9: warning: the script '{name}' is not about the debt as a whole" in complaints
    assert len(matters) > 1


@pytest.mark.parametrize("name", ["amnesty_offer", "prepayment_offer", "agency_notice"])
def test_a_stage_that_offers_what_its_plan_does_not_is_an_error(name: str, tmp_path: Path) -> None:
    code, _, complaints = check(tmp_path, PLANS.replace("send: warning", f"send: {name}"))
    assert code == 1
    assert f"FILE:9: the script '{name}' is sent to nobody: the plan" in complaints


def test_two_standard_plans_of_a_group_are_told(tmp_path: Path) -> None:
    second = PLANS[PLANS.index("  - plan") :].replace("plan: p\n", "plan: q\n")
    code, _, complaints = check(tmp_path, PLANS + second)
    assert code == 1
    assert "FILE:10: the group 'people' has two standard plans: p, q" in complaints


def test_a_warning_alone_is_0(tmp_path: Path) -> None:
    code, printed, complaints = check(tmp_path, PLANS.replace("    standard: true\n", ""))
    assert (code, printed) == (0, "No problems found, 1 warning.\n")
    assert complaints.startswith("FILE:1: warning: the group 'people' has no standard plan")


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("client: sarah, says", "client: nobody, says", "there is no client 'nobody'"),
        ("standard: true", "standard: true\n    exit_debt: 10", "a case ends at 10 already"),
    ],
)
def test_a_scenario_is_checked_whole(tmp_path: Path, written: str, instead: str, told: str) -> None:
    code, _, complaints = check(tmp_path, SARAH.replace(written, instead))
    assert code == 1
    assert told in complaints


@pytest.mark.parametrize(("when", "always"), [("", True), (", when: consequence_on", False)])
def test_a_script_that_names_the_restriction_whenever_it_is_played_is_known(when: str, *, always: bool) -> None:
    text = f"""spec: 1
script: stern
start: opening
steps:
  opening:
    say:
      next: {{text: "Service is limited from {{consequence_on}}."{when}}}
    next: menu
"""
    assert always_names_a_restriction(parse_script(text, "stern.yaml")) is always


def test_no_packaged_script_names_a_restriction_that_may_not_come() -> None:
    assert [name for name, script in load_scripts().items() if always_names_a_restriction(script)] == []


def test_the_schema_of_scripts_is_printed_for_editors() -> None:
    result = CliRunner().invoke(app, ["check", "--schema"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, schema())


def test_a_script_of_an_older_spec_is_told_how_it_is_written_now(tmp_path: Path) -> None:
    code, _, complaints = check(
        tmp_path, "spec: 1\nscript: old\nbegun_by: client\nstart: a\nsteps: {a: {say: Hello}}\n"
    )
    assert (code, complaints) == (1, "FILE: line 1 is written as an older spec has it; write 'spec: 2'\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("script: x\nstart: a\nsteps: {a: {say: Hello}}\n", "line 1: 'spec' is missing; add 'spec: 2'\n"),
        (
            "spec: 2\nscript: x\nstart: a\nsteps:\n\ta: {say: Hello}\n",
            "; put texts in double quotes, and indent with spaces\n",
        ),
    ],
)
def test_a_fault_of_form_has_its_remedy(tmp_path: Path, text: str, told: str) -> None:
    code, _, complaints = check(tmp_path, text)
    assert code > 0
    assert complaints.endswith(told)


def test_a_link_in_the_wording_for_the_voice_is_to_be_taken_out_of_it(tmp_path: Path) -> None:
    said = '{text: Hello, voice: "See https://example.com"}'
    text = f"spec: 2\nscript: x\nbegun_by: client\nstart: a\nsteps: {{a: {{say: {said}}}}}\n"
    assert "take it out of the 'voice:' wording" in check(tmp_path, text)[2]


def test_a_folder_is_its_files_and_the_shared_script_is_checked_in_the_others() -> None:
    result = CliRunner().invoke(app, ["check", str(PACKAGED)])
    assert (result.exit_code, result.stderr, result.stdout) == (0, "", "No problems found.\n")


def test_a_fault_of_the_shared_script_is_found(tmp_path: Path) -> None:
    shared = (PACKAGED / "common.yaml").read_text()
    code, _, complaints = check(tmp_path, shared.replace("go: promise_made}", "go: gone}"))
    assert (code, "leads to 'gone'" in complaints) == (1, True)
