"""A client worked by several plans: what is asked of one plan, of another, and of either."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.simulate.play import play
from bot.simulate.scenario import load_scenario
from engine.document import DocumentError

TWO_PLANS = """
scenario: two plans
start: 2026-03-01
end: 2026-03-06
timezone: Europe/Bucharest
currency: RON
groups: [people]
plans:
  - plan: net
    group: people
    standard: true
    start: {after_days: 0, min_debt: 10}
    include: {services: [internet]}
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
      - stage: suspension
        after_days: 2
        actions: [{do: suspend_service}, {task: call}]
  - plan: water
    group: people
    start: {after_days: 3, min_debt: 10}
    include: {services: [water]}
    stages:
      - stage: warning
        actions: [{send: warning, by: [email]}]
clients:
  - client: ana
    group: people
    plan: [net, water]
    language: en
    sms: "+40712345678"
    email: ana@example.com
    accounts:
      - account: A1
        service: internet
        invoices: [{invoice: I1, issued: 2026-02-01, due: 2026-03-02, amount: 50}]
      - account: A2
        service: water
        invoices: [{invoice: I2, issued: 2026-02-01, due: 2026-03-01, amount: 80}]
events:
  - {at: 2026-03-05T12:00, client: ana, pauses: 9}
expect:
"""
HOLDS = (
    "on: 2026-03-02, client: ana, plan: net, stage: reminder, cycle: 1, real_debt: 50, days_past_due: 0",
    "on: 2026-03-02, client: ana, plan: water, case: none, stage: none, real_debt: 80, days_past_due: 1",
    "on: 2026-03-02, client: ana, stage: none, real_debt: 80",
    "on: 2026-03-02, client: ana, stage: reminder, real_debt: 50",
    "on: 2026-03-02, client: ana, plan: net, sent: sms, script: reminder",
    "from: 2026-03-01, to: 2026-03-03, client: ana, plan: water, sent: nothing",
    "on: 2026-03-04, client: ana, plan: water, stage: warning, sent: email",
    "on: 2026-03-04, client: ana, plan: net, did: suspend_service, account: A1",
    "on: 2026-03-04, client: ana, did: nothing, account: A2",
    "from: 2026-03-01, to: 2026-03-06, client: ana, plan: water, did: nothing",
    "on: 2026-03-04, client: ana, plan: net, task: call",
    "on: 2026-03-05, client: ana, plan: water, days_past_due: 4, delinquent_days: 4",
    "on: 2026-03-06, client: ana, plan: water, days_past_due: 5, delinquent_days: 4",
    "on: 2026-03-06, client: ana, delinquent_days: 3",
)
HOLDS_NOT = {
    "on: 2026-03-02, client: ana, stage: none, real_debt: 50": "by net stage is reminder; by water real_debt is 80.00",
    "on: 2026-03-02, client: ana, plan: net, stage: none": "ana by the plan net: stage none: stage is reminder",
    "on: 2026-03-04, client: ana, plan: water, sent: sms": "there was 2026-03-04 email warning",
    "on: 2026-03-02, client: ana, plan: water, sent: sms": "there was nothing",
    "on: 2026-03-04, client: ana, plan: water, task: call": "there was nothing",
    "on: 2026-03-04, client: ana, plan: water, did: suspend_service": "there was nothing",
    "on: 2026-03-06, client: ana, plan: water, delinquent_days: 5": "delinquent_days is 4",
}


def scenario(file: Path, *expected: str) -> Path:
    file.write_text(TWO_PLANS.lstrip() + "".join(f"  - {{{one}}}\n" for one in expected))
    return file


async def test_what_is_asked_of_a_plan_is_of_that_plan_and_of_none_is_of_one_of_them(
    tmp_path: Path, database_url: str
) -> None:
    file = scenario(tmp_path / "plans.yaml", *HOLDS, *HOLDS_NOT)
    failures = (await play(load_scenario(file), database_url)).failures
    assert len(failures) == len(HOLDS_NOT), failures
    for failure, reason in zip(failures, HOLDS_NOT.values(), strict=True):
        assert failure.endswith(reason)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("on: 2026-03-02, client: ana, plan: gas, case: none", "not worked by a plan 'gas', but by: net, water"),
        ("on: 2026-03-02, client: ana, plan: net, stage: warning", "no plan of ana has a stage 'warning'"),
        ("on: 2026-03-02, client: ana, plan: net, language: en", "'plan' goes with: case, stage"),
        ("on: 2026-03-02, client: ana, plan: net", "say what is expected"),
        ("on: 2026-03-02, client: ana, by: sms", "'by' needs 'received'"),
        ("from: 2026-03-02, to: 2026-03-03, client: ana, delinquent_days: 0", "a state is asked for 'on' one day"),
    ],
)
def test_an_expectation_of_a_plan_that_makes_no_sense_is_refused(expected: str, told: str, tmp_path: Path) -> None:
    file = scenario(tmp_path / "plans.yaml", expected)
    with pytest.raises(DocumentError) as refused:
        load_scenario(file)
    assert told in str(refused.value)
    assert refused.value.line == len(file.read_text().splitlines())
