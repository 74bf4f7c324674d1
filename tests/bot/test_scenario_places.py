"""Clients of one scenario: their accounts and bills are named apart, their days are those of where they live."""

from __future__ import annotations

from pathlib import Path

from bot.simulate.play import Played, play
from bot.simulate.scenario import load_scenario

HEAD = """
scenario: places
start: 2026-03-02
end: 2026-03-05
currency: EUR
groups: [people]
plans:
  - plan: net
    group: people
    standard: true
    start: {after_days: 0, min_debt: 10}
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
      - stage: suspension
        after_days: 2
        actions: [{do: suspend_service}]
"""


def client(name: str, sms: str, timezone: str, due: str) -> str:
    """A client with an account A1 and a bill I1, as everybody has."""
    bill = f"{{invoice: I1, issued: 2026-02-01, due: {due}, amount: 50}}"
    return (
        f"  - {{client: {name}, group: people, language: en, sms: '{sms}', timezone: {timezone},\n"
        f"     accounts: [{{account: A1, service: internet, invoices: [{bill}]}}]}}\n"
    )


def written(file: Path, timezone: str, rest: str) -> Path:
    """A scenario in that zone."""
    file.write_text(f"{HEAD}timezone: {timezone}\n{rest}")
    return file


async def played(file: Path, database_url: str) -> Played:
    """What became of a scenario."""
    return await play(load_scenario(file), database_url)


async def test_two_clients_may_name_their_accounts_and_bills_alike(tmp_path: Path, database_url: str) -> None:
    rest = (
        "clients:\n"
        + client("ana", "+40700000001", "Europe/Bucharest", "2026-03-02")
        + client("bob", "+40700000002", "Europe/Bucharest", "2026-03-02")
        + """events:
  - {at: 2026-03-03T10:00, client: bob, pays: 10, account: A1}
  - {at: 2026-03-03T11:00, client: bob, credits: {invoice: I1, amount: 5}}
  - {at: 2026-03-03T12:00, client: bob, bills: {account: A1, invoice: I2, due: 2026-03-03, amount: 7}}
  - {at: 2026-03-05T12:00, client: bob, refunds: I1}
  - {at: 2026-03-05T12:00, client: ana, pays: 50, invoice: I1}
expect:
  - {on: 2026-03-03, client: ana, real_debt: 50}
  - {on: 2026-03-03, client: bob, real_debt: 42}
  - {on: 2026-03-04, client: ana, did: suspend_service, account: A1}
  - {on: 2026-03-04, client: bob, did: suspend_service, account: A1}
  - {on: 2026-03-05, client: ana, real_debt: 0}
  - {on: 2026-03-05, client: bob, real_debt: 52}
"""
    )
    done = await played(written(tmp_path / "names.yaml", "Europe/Bucharest", rest), database_url)
    assert done.failures == []
    assert not [line for line in done.timeline if "bob/" in line.text]
    assert any(line.client == "bob" and "invoice I1" in line.text for line in done.timeline)


async def test_the_last_day_in_the_far_west_is_run_to_its_end_and_nobody_else_s_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    rest = (
        "clients:\n"
        + client("west", "+40700000001", "Pacific/Pago_Pago", "2026-03-05")
        + client("home", "+40700000002", "UTC", "2026-03-06")
        + "expect:\n"
        + "  - {on: 2026-03-05, client: west, sent: sms, script: reminder}\n"
        + "  - {on: 2026-03-05, client: home, sent: nothing}\n"
    )
    done = await played(written(tmp_path / "west.yaml", "UTC", rest), database_url)
    assert done.failures == []
    assert {line.client for line in done.timeline} == {"west"}
    assert max(line.at for line in done.timeline) < "2026-03-06"


async def test_the_first_day_in_the_far_east_begins_before_that_of_the_others(
    tmp_path: Path, database_url: str
) -> None:
    rest = (
        "clients:\n"
        + client("east", "+40700000001", "Pacific/Kiritimati", "2026-03-02")
        + client("home", "+40700000002", "Pacific/Pago_Pago", "2026-03-02")
        + "events: [{at: 2026-03-02T08:30, client: east, pays: 1}]\n"
        + "expect:\n"
        + "  - {on: 2026-03-02, client: east, sent: sms, script: reminder}\n"
        + "  - {on: 2026-03-02, client: home, sent: sms, script: reminder}\n"
        + "  - {on: 2026-03-02, client: east, real_debt: 49}\n"
    )
    done = await played(written(tmp_path / "east.yaml", "Pacific/Pago_Pago", rest), database_url)
    assert done.failures == []
    assert {line.at[:10] for line in done.timeline if line.client == "home"} <= {"2026-03-02", "2026-03-04"}
