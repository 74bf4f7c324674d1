"""Every scenario file passes: the real engine, dialogs and channels through simulated time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.simulate.play import play
from bot.simulate.scenario import load_scenario
from engine.document import DocumentError

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yaml"))
SARAH = (Path(__file__).parents[1] / "scenarios" / "sarah.yaml").read_text()


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
async def test_what_is_expected_follows(file: Path, database_url: str) -> None:
    played = await play(load_scenario(file), database_url)
    assert played.failures == []


async def test_a_wrong_expectation_fails_with_its_line_and_what_was_found(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "sarah.yaml"
    file.write_text(SARAH.replace("end: 2025-11-05", "end: 2025-08-13").replace("sent: email", "sent: sms"))
    played = await play(load_scenario(file), database_url)
    line = next(n for n, text in enumerate(SARAH.splitlines(), 1) if "sent: email" in text)
    assert any(f"sarah.yaml:{line}:" in failure and "email reminder" in failure for failure in played.failures)


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("group: individuals\n    standard", "group: firms\n    standard", "'groups' does not name"),
        ("by: [email]", "by: [fax]", "'fax' is not one of: sms, voice, email, telegram"),
        ("do: suspend_service", "do: credit_hold", "'do: credit_hold' is not supported yet"),
        ("after_days: 6", "needs_delivered: warning", "'needs_delivered' is not supported yet"),
        ("standard: true", "standard: true\n    blinking: true", "'blinking' is not supported yet"),
        ("amount: 120}", "amount: 120.505}", "more decimals than USD allows"),
        ("due: 2025-08-01", "due: 2025-06-01", "the due date is before the day of issue"),
        ("timezone: America/New_York", "timezone: America/Gotham", "is not a time zone"),
        ("currency: USD", "currency: XXY", "is not the code of a currency"),
        ("client: sarah, says", "client: nobody, says", "there is no client 'nobody'"),
        (
            "{at: 2025-09-01T12:00, client: sarah, pays: 40}",
            "{at: 2025-09-01T12:00, client: sarah, pauses: 5}",
            "'pauses'",
        ),
        ("pays: 40}", "paid: 40}", "unknown key 'paid'"),
        ("case: none", "case: asleep", "'asleep' is not one of: none, open, suspended, closed"),
        ("plans:", "plans: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_reason(
    written: str, instead: str, told: str, tmp_path: Path
) -> None:
    assert written in SARAH
    file = tmp_path / "sarah.yaml"
    file.write_text(SARAH.replace(written, instead, 1))
    with pytest.raises(DocumentError) as refused:
        load_scenario(file)
    assert told in str(refused.value)
    assert str(refused.value).startswith(f"{file}:{refused.value.line}:")
    assert refused.value.line > 0


def test_a_wrong_file_exits_with_2_and_says_so_in_json(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("scenario: broken\n")
    done = CliRunner().invoke(app, ["simulate", "--json", str(tmp_path / "broken.yaml")])
    report = json.loads(done.stdout)
    assert done.exit_code == 2
    assert (report["passed"], report["timeline"], report["failures"]) == (False, [], [])
    assert report["error"]["line"] == 1
    assert "'start' is missing" in report["error"]["message"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nowhere\.yaml: cannot be read"):
        load_scenario(tmp_path / "nowhere.yaml")
