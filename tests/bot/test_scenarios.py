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
    file.write_text(SARAH.replace("sent: email", "sent: sms"))
    played = await play(load_scenario(file), database_url)
    line = next(n for n, text in enumerate(SARAH.splitlines(), 1) if "sent: email" in text)
    assert any(f"sarah.yaml:{line}:" in failure and "email reminder" in failure for failure in played.failures)


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("group: individuals\n    standard", "group: firms\n    standard", "'groups' does not name"),
        ("by: [email]", "by: [fax]", "'fax' is not one of: sms, voice, email, telegram"),
        ("do: suspend_service", "do: cut_the_cable", "'cut_the_cable' is not one of: suspend_service"),
        ("after_days: 6", "needs_delivered: nothing_like_it", "'nothing_like_it' is not an earlier stage"),
        ("standard: true", "standard: true\n    blinking: perhaps", "expected true or false"),
        ("standard: true", "standard: true\n    advance: strictest", "a strictest plan knows no 'after_days'"),
        ("standard: true", "standard: true\n    advance: sideways", "'sideways' is not one of: stepwise, strictest"),
        ("standard: true", "standard: true\n    grace: long", "expected a whole number"),
        ("send: reminder,", "send: remainder,", "there is no script 'remainder'"),
        ("amount: 120}", "amount: 120.505}", "more decimals than USD allows"),
        ("due: 2025-08-01", "due: 2025-06-01", "the due date is before the day of issue"),
        ("timezone: America/New_York", "timezone: America/Gotham", "is not a time zone"),
        ("currency: USD", "currency: XXY", "is not the code of a currency"),
        ("client: sarah, says", "client: nobody, says", "there is no client 'nobody'"),
        ("sarah, pays: 40}", "sarah, pauses: 0}", "a pause lasts 1 to 366 days, not 0"),
        ("sarah, pays: 40}", "sarah, pauses: a while}", "expected a whole number"),
        ("sarah, pays: 40}", "sarah, refunds: {invoice: I1}}", "expected a text"),
        ("sarah, pays: 40}", "sarah, credits: {invoice: I1}}", "'amount' is missing"),
        ("client: sarah\n    group", "client: sarah\n    plan: []\n    group", "name at least one plan"),
        ("client: sarah\n    group", "client: sarah\n    plan: [retail, water]\n    group", "no plan 'water'"),
        (
            "client: sarah\n    group",
            "client: sarah\n    plan: [retail, retail]\n    group",
            "two plans named 'retail'",
        ),
        ("    standard: true\n", "", "the group 'individuals' has no standard plan"),
        ("pays: 40}", "paid: 40}", "unknown key 'paid'"),
        ("case: none", "case: asleep", "'asleep' is not one of: none, open, suspended, closed"),
        ("plans:", "plans: [", "not YAML"),
        ("end: 2025-11-05", "end: 2025-07-01", "the end is before the start: write 2025-07-25 or a later day"),
        ("stage: final\n", "stage: warning\n", "two stages named 'warning'; change one, or leave it out"),
        ("by: [email]", "by: [email, email]", "two channels named 'email'"),
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


def written(tmp_path: Path, *, events: str = "", expect: str = "", accounts: str = "A9", invoices: str = "I9") -> Path:
    """A scenario of ana (A1 with I1) and bob, eight days of it; each event and expectation on a line of its own."""
    file = tmp_path / "short.yaml"
    lines = [
        "{scenario: short, start: 2026-03-01, end: 2026-03-08, timezone: Europe/Bucharest, currency: RON,",
        "groups: [people], plans: [{plan: p, group: people, standard: true, blinking: false, advance: stepwise,",
        "start: {after_days: 0, min_debt: 1}, stages: [{stage: reminder, actions: [{send: reminder, by: [sms]}]}]}],",
        "clients: [{client: ana, group: people, language: en, sms: '+40712345678', voice: '+40712345678',",
        "telegram: 7, email: ana@example.com,",
        "accounts: [{account: A2, service: tv, invoices: []}, {account: A1, service: net, invoices:",
        "[{invoice: I1, issued: 2026-02-01, due: 2026-03-05, amount: 50}]}]},",
        f"{{client: bob, group: people, language: en, accounts: [{{account: {accounts}, service: net, invoices:",
        f"[{{invoice: {invoices}, issued: 2026-02-01, due: 2026-03-05, amount: 50}}]}}]}}],",
        "events: [",
        *(f"{{{event}}}," for event in events.splitlines()),
        "],",
        "expect: [",
        f"{{{expect or 'on: 2026-03-02, client: ana, case: none'}}}]}}",
    ]
    file.write_text("\n".join(lines))
    return file


ANA, BOB = "at: 2026-03-02T10:00, client: ana", "at: 2026-03-02T10:00, client: bob"
CLAIM = f"{ANA}, pays: 10, unconfirmed: true, id: p1"
DISPUTE = f"{ANA}, disputes: {{invoice: I1, amount: 10}}, id: d1"


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (f"{ANA}, pays: 10, account: A7", "there is no account 'A7'"),
        (f"{ANA}, pays: 10, invoice: I7", "there is no invoice 'I7'"),
        (f"{ANA}, pays: 10, account: A9", "the account 'A9' is of the client 'bob'"),
        (f"{ANA}, credits: {{invoice: I9, amount: 1}}", "the invoice 'I9' is of the client 'bob'"),
        (f"{ANA}, credits: {{invoice: I7, amount: 1}}", "there is no invoice 'I7'"),
        (f"{ANA}, refunds: I7", "there is no invoice 'I7'"),
        (f"{ANA}, refunds: I9", "the invoice 'I9' is of the client 'bob'"),
        (f"{ANA}, disputes: {{invoice: I9, amount: 1}}, id: d1", "the invoice 'I9' is of the client 'bob'"),
        (f"{ANA}, bills: {{account: A7, invoice: I7, due: 2026-03-05, amount: 1}}", "there is no account 'A7'"),
        (f"{ANA}, bills: {{account: A9, invoice: I7, due: 2026-03-05, amount: 1}}", "'A9' is of the client 'bob'"),
        (f"{ANA}, bills: {{account: A1, invoice: I1, due: 2026-03-05, amount: 1}}", "'I1' is there already"),
        (f"{CLAIM}\n{CLAIM}", "the payment 'p1' is there already"),
        (f"{ANA}, confirms: p1", "there is no payment 'p1' at that time"),
        (
            f"at: 2026-03-03T10:00, client: ana, pays: 1, unconfirmed: true, id: p1\n{ANA}, rejects: p1",
            "no payment 'p1'",
        ),
        (f"{CLAIM}\n{BOB}, confirms: p1", "the payment 'p1' is of the client 'ana'"),
        (f"{CLAIM}\n{ANA}, confirms: p1\n{ANA}, rejects: p1", "the payment 'p1' is settled already"),
        (f"{ANA}, pays: 10, id: p1\n{ANA}, confirms: p1", "the payment 'p1' is settled already"),
        (f"{DISPUTE}\n{DISPUTE}", "the dispute 'd1' is there already"),
        (f"{ANA}, resolves: d1, granted: 0", "there is no dispute 'd1'"),
        (f"{DISPUTE}\n{BOB}, resolves: d1, granted: 0", "the dispute 'd1' is of the client 'ana'"),
        (f"{DISPUTE}\n{ANA}, resolves: d1, granted: 0\n{ANA}, resolves: d1, granted: 1", "is resolved already"),
        ("at: 2026-02-28T10:00, client: ana, pays: 1", "2026-02-28 is not among the days that are played"),
        ("at: 2026-03-09T00:00, client: ana, pays: 1", "2026-03-09 is not among the days that are played"),
        (
            "at: 2026-03-29T03:30, client: ana, pays: 1",
            "the clocks are put forward over 2026-03-29T03:30: write another",
        ),
        (
            f"{ANA}, promises: {{amount: 5, until: 2026-03-01}}",
            "2026-03-01, is over when it is agreed: write 2026-03-02",
        ),
        (f"{ANA}, installments: [{{due: 2026-03-01, amount: 5}}]", "the day of an installment, 2026-03-01, is over"),
        (f"{DISPUTE}\n{ANA}, resolves: d1, granted: 11", "is over 10.00, and 11.00 is granted: write 10.00 or less"),
        (
            f"{ANA}, bills: {{account: A2, invoice: I2, due: 2026-03-05, amount: 1}}\n"
            f"{ANA}, pays: 1, account: A1, invoice: I2",
            "the invoice 'I2' is of the account 'A2', not of 'A1': leave one of them out",
        ),
        (f"{ANA}, pays: 6e1", "'6e1' is not an amount: write digits"),
        (f"{ANA}, pays: NaN", "'NaN' is not an amount: write digits"),
        (f"{ANA}, pays: -5", "the amount must be above zero: write a sum such as 40"),
        (f"{BOB}, says: hello, by: sms", "bob has no sms address"),
        (f"{BOB}, presses: '1', by: voice", "bob has no voice address"),
        (f"{BOB}, taps: pay_now, by: telegram", "bob has no telegram address"),
        (f"{BOB}, carrier: {{channel: sms, result: failed}}", "bob has no sms address to send to"),
    ],
)
def test_an_event_that_names_what_is_not_there_is_refused_before_anything_is_played(
    events: str, told: str, tmp_path: Path
) -> None:
    file = written(tmp_path, events=events)
    with pytest.raises(DocumentError, match=told) as refused:
        load_scenario(file)
    assert refused.value.line == file.read_text().splitlines().index("events: [") + 1 + len(events.splitlines())


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("on: 2026-03-09, client: ana, case: none", "2026-03-09 is not among the days"),
        ("from: 2026-02-27, to: 2026-03-02, client: ana, sent: nothing", "2026-02-27 is not among the days"),
        ("on: 2026-03-02, client: ana, stage: remainder", "no plan of ana has a stage 'remainder'"),
        ("on: 2026-03-02, client: ana, case: none, plan: q", "ana is not worked by a plan 'q', but by: p"),
        ("on: 2026-03-02, client: ana, did: nothing, account: A9", "the account 'A9' is of the client 'bob'"),
        ("on: 2026-03-02, client: ana, did: nothing, account: A7", "there is no account 'A7'"),
    ],
)
def test_an_expectation_that_can_never_be_is_refused(expect: str, told: str, tmp_path: Path) -> None:
    file = written(tmp_path, expect=expect)
    with pytest.raises(DocumentError, match=told) as refused:
        load_scenario(file)
    assert refused.value.line == len(file.read_text().splitlines())


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        (
            "A1, service: net, invoices: []}, {account: A1",
            "two accounts of bob named 'A1'; change one, or leave it out",
        ),
        (
            "A1, service: net, invoices: [{invoice: I1, issued: 2026-02-01, due: 2026-03-05, amount: 5}]}, "
            "{account: A2",
            "two invoices of bob named 'I1'",
        ),
    ],
)
def test_a_name_is_given_once_to_a_client(accounts: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=told):
        load_scenario(written(tmp_path, accounts=accounts, invoices="I1"))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (f"{ANA}, presses: '1', by: voice", "no call with ana is in progress"),
        (f"{ANA}, taps: pay_now, by: telegram", "no message to ana has a button for 'pay_now'"),
        (f"{ANA}, refunds: I1", "nothing is paid on the invoice 'I1'"),
    ],
)
async def test_what_goes_wrong_while_playing_is_told_with_the_line_of_its_event(
    event: str, told: str, tmp_path: Path, database_url: str
) -> None:
    file = written(tmp_path, events=event)
    with pytest.raises(DocumentError, match=told) as refused:
        await play(load_scenario(file), database_url)
    assert refused.value.line == file.read_text().splitlines().index("events: [") + 2


async def test_the_same_payment_twice_at_one_moment_is_two_payments(tmp_path: Path, database_url: str) -> None:
    event = "at: 2026-03-06T10:00, client: ana, pays: 10"
    expect = "on: 2026-03-06, client: ana, real_debt: 30"
    played = await play(load_scenario(written(tmp_path, events=f"{event}\n{event}", expect=expect)), database_url)
    assert played.failures == []


def test_the_files_after_a_wrong_one_are_played(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    (tmp_path / "good").mkdir()
    wrong, good = written(tmp_path, events=f"{ANA}, presses: '1', by: voice"), written(tmp_path / "good")
    done = CliRunner().invoke(app, ["simulate", str(wrong), str(good)])
    assert done.exit_code == 2
    assert f"{wrong}:11: ana presses '1'" in done.stderr
    assert "short: passed" in done.stdout
