"""Plans that can be read and cannot work: each kind of mistake is found at its line, with what to do about it."""

from __future__ import annotations

import re

import pytest

from engine.document import DocumentError, parse
from engine.offer import Amnesty
from engine.plan_check import Finding, empty_offers, findings, silent_restrictions, silent_stages, without_standard
from engine.store.plans import read_plans

HEAD = """groups: [people]
plans:
  - plan: p
    group: people
    standard: true
"""
STAGES = """    stages:
      - stage: first
        actions: [{send: reminder, by: [sms]}]
      - stage: second
        after_days: 7
        actions: [{send: warning, by: [sms]}]
"""


def check(text: str) -> list[Finding]:
    return [found for terms, node in read_plans(parse(HEAD + text, "p.yaml"), "RON") for found in findings(terms, node)]


def test_a_plan_in_order_has_no_findings() -> None:
    assert check("    start: {after_days: 4, min_debt: 10}\n" + STAGES) == []


BROKEN = {
    "a case would close as it starts": (
        "    start: {after_days: 4, min_debt: 10}\n    exit_debt: 10\n" + STAGES,
        "p.yaml:6: work starts at 10, and a case ends at 10 already (exit_debt); raise min_debt above it",
    ),
    "a stage below the sum at which a case ends": (
        "    start: {after_days: 4, min_debt: 50}\n    exit_debt: 20\n    stages:\n"
        "      - stage: first\n      - stage: second\n        min_debt: 15\n",
        "p.yaml:11: stage second asks for 15, and a case ends at 20 already (exit_debt), so that this term never",
    ),
    "a start after bills have left": (
        "    start: {after_days: 40, min_debt: 50}\n    include: {max_age: 30}\n" + STAGES,
        "p.yaml:6: work can never start: it waits 40 days, and bills count only until they are 30 days past due",
    ),
    "a term no bill is old enough for": (
        "    start: {after_days: 4, min_debt: 50}\n    include: {max_age: 30}\n    stages:\n"
        "      - stage: first\n      - stage: second\n        days_past_due: 31\n",
        "p.yaml:11: stage second can never be entered: it needs 31 days past due",
    ),
    "a delivery of nothing": (
        "    start: {after_days: 4, min_debt: 50}\n    stages:\n"
        "      - stage: quiet\n        actions: [{task: call}]\n"
        "      - stage: second\n        needs_delivered: quiet\n",
        "p.yaml:11: stage second can never be entered: stage quiet sends nothing that could be delivered",
    ),
    "a strictest plan whose severe stage asks for less": (
        "    start: {after_days: 4, min_debt: 50}\n    advance: strictest\n    stages:\n"
        "      - stage: mild\n        min_debt: 100\n      - stage: severe\n        min_debt: 60\n",
        "p.yaml:10: stage mild can never be entered: whenever its terms hold, those of severe hold too",
    ),
    "a service nobody restores": (
        "    start: {after_days: 4, min_debt: 50}\n    blinking: true\n    stages:\n"
        "      - stage: last\n        actions: [{do: suspend_service}]\n",
        "p.yaml:10: a blinking plan ends after its last stage with the debt unpaid, and nobody restores the service",
    ),
    "a service restored before it is suspended": (
        "    start: {after_days: 4, min_debt: 50}\n    stages:\n"
        "      - stage: last\n        actions: [{do: restore_service}]\n",
        "p.yaml:9: restore_service comes before anything was suspended",
    ),
    "an order given already": (
        "    start: {after_days: 4, min_debt: 50}\n    stages:\n"
        "      - stage: a\n        actions: [{do: charge_fee, min_account_debt: 20}]\n"
        "      - stage: b\n        actions: [{do: charge_fee, min_account_debt: 30}]\n",
        "p.yaml:11: charge_fee was ordered in stage a for every account that reaches this one's sum",
    ),
    "a courtesy without a channel": (
        "    start: {after_days: 4, min_debt: 50}\n    follow_up: {promise_before: 1}\n    stages:\n"
        "      - stage: a\n        actions: [{task: call}]\n",
        "p.yaml:7: follow_up has no channel to go by: none is named here, and no stage sends anything",
    ),
    "installments of one part": (
        "    start: {after_days: 4, min_debt: 50}\n    installments: {most_parts: 1}\n" + STAGES,
        "p.yaml:7: one payment is no installment plan, so nothing is ever granted; give at least 2",
    ),
    "installments whose first part is all": (
        "    start: {after_days: 4, min_debt: 50}\n    installments: {most_parts: 3, first_share: 100}\n" + STAGES,
        "p.yaml:7: the first part would be the whole debt, so nothing is ever granted; lower first_share",
    ),
}


@pytest.mark.parametrize(("text", "told"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_work_is_found_at_its_line(text: str, told: str) -> None:
    (found,) = check(text)
    assert str(found).startswith(told)
    assert not found.warning


DOUBTFUL = {
    "a stage later than bills count": (
        "    start: {after_days: 4, min_debt: 50}\n    include: {max_age: 10}\n" + STAGES,
        "p.yaml:11: warning: stage second comes 11 days past due at the earliest",
    ),
    "more parts than the smallest debt allows": (
        "    start: {after_days: 4, min_debt: 100}\n    installments: {most_parts: 12, least_part: 40}\n" + STAGES,
        "p.yaml:7: warning: at the debt from which this plan works, only 2 of the 12 parts can be granted",
    ),
    "no parts at the smallest debt": (
        "    start: {after_days: 4, min_debt: 50}\n    installments: {most_parts: 12, least_part: 40}\n" + STAGES,
        "p.yaml:7: warning: at the debt from which this plan works, none of the 12 parts can be granted",
    ),
    "a blinking plan whose end is given to a person": (
        "    start: {after_days: 4, min_debt: 50}\n    blinking: true\n    stages:\n"
        "      - stage: last\n        actions: [{do: suspend_service}, {task: review}]\n",
        "p.yaml:10: warning: a blinking plan ends after its last stage with the debt unpaid",
    ),
}


@pytest.mark.parametrize(("text", "told"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_may_be_meant_is_a_warning(text: str, told: str) -> None:
    (found,) = check(text)
    assert str(found).startswith(told)
    assert found.warning


FINE = {
    "a suspension without a restoring stage": (
        "    stages:\n      - stage: a\n        actions: [{do: suspend_service}]\n"
    ),
    "a fee for accounts that owe less, later": (
        "    stages:\n      - stage: a\n        actions: [{do: charge_fee, min_account_debt: 90}]\n"
        "      - stage: b\n        actions: [{do: charge_fee, min_account_debt: 30}]\n"
    ),
    "a strictest plan that may skip the first order": (
        "    advance: strictest\n    stages:\n      - stage: a\n        actions: [{do: letter}]\n"
        "      - stage: b\n        min_debt: 90\n        actions: [{do: letter}]\n"
    ),
    "a severe stage kept away by another term": (
        "    advance: strictest\n    stages:\n      - stage: a\n      - stage: b\n        min_unpaid_invoices: 2\n"
    ),
    "a severe stage that speaks too soon after a contact": (
        "    advance: strictest\n    min_days_between_contacts: 3\n    stages:\n      - stage: a\n"
        "      - stage: b\n        actions: [{send: warning, by: [sms]}]\n"
    ),
    "installments nobody has asked for yet": "    follow_up: {installment_before: 2}\n" + STAGES,
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_what_works_is_left_alone(text: str) -> None:
    assert check("    start: {after_days: 4, min_debt: 50}\n" + text) == []


def test_a_script_that_always_names_the_restriction_needs_one_ahead() -> None:
    text = HEAD + "    start: {after_days: 4, min_debt: 50}\n" + STAGES
    ((terms, node),) = read_plans(parse(text, "p.yaml"), "RON")
    (found,) = silent_restrictions(terms, node, {"warning"})
    assert str(found).startswith("p.yaml:12: the script 'warning' names the day service is limited from")
    text += "      - stage: last\n        actions: [{do: suspend_service}]\n"
    ((terms, node),) = read_plans(parse(text, "p.yaml"), "RON")
    assert list(silent_restrictions(terms, node, {"warning"})) == []


def test_a_stage_whose_script_speaks_to_some_clients_only_is_a_warning() -> None:
    ((terms, node),) = read_plans(parse(HEAD + "    start: {after_days: 4, min_debt: 50}\n" + STAGES, "p.yaml"), "RON")
    (found,) = silent_stages(terms, node, {"warning": "courtesy", "promise_broken": "follow_up"})
    assert str(found).startswith("p.yaml:12: warning: the script 'warning' is not about the debt as a whole")
    assert str(found).endswith(
        "stage second is entered and sends nothing; send another script here, and this one by courtesy"
    )


def test_a_group_without_a_standard_plan_is_a_warning() -> None:
    text = HEAD.replace("[people]", "[people, firms]") + "    start: {after_days: 4, min_debt: 50}\n" + STAGES
    root = parse(text, "p.yaml")
    (found,) = without_standard(
        root.mapping(("groups", "plans"))["groups"], [one for one, _ in read_plans(root, "RON")]
    )
    assert str(found).startswith("p.yaml:1: warning: the group 'firms' has no standard plan")


LATE = """    start: {after_days: 4, min_debt: 10}
    stages:
      - stage: first
        actions: [{send: lenient, by: [sms]}]
      - stage: last
        after_days: 7
        actions: [{do: refer_agency}, {send: notice, by: [sms]}]
"""
TERMS = "    offers: {amnesty: {pay: 60, within: 14}, prepayment: {months: 11, free: 1, price: 150, within: 20}}\n"


@pytest.mark.parametrize(
    ("terms", "matters", "expected"),
    [
        ("", {"lenient": "amnesty"}, ["p.yaml:9: the script 'lenient' is sent to nobody: the plan offers no amnesty"]),
        (
            "",
            {"lenient": "prepayment"},
            ["p.yaml:9: the script 'lenient' is sent to nobody: the plan offers no months"],
        ),
        (TERMS, {"lenient": "amnesty", "notice": "prepayment"}, []),
        ("", {"lenient": "agency"}, ["p.yaml:9: the script 'lenient' is sent to nobody: the plan names no collection"]),
        (
            "    courtesy: [{before_due: 3, send: ahead, by: [sms]}]\n",
            {"ahead": "prepayment"},
            ["p.yaml:6: the script 'ahead' is sent to nobody: the plan offers no months"],
        ),
        ("    agency: Northern\n", {"lenient": "agency"}, []),
        (
            "    agency: Northern\n",
            {"notice": "agency"},
            ["p.yaml:13: the script 'notice' is sent to nobody: no later stage refers anything to the agency"],
        ),
    ],
)
def test_a_script_about_what_a_plan_does_not_offer_reaches_nobody(
    terms: str, matters: dict[str, str], expected: list[str]
) -> None:
    plans = read_plans(parse(HEAD + terms + LATE, "p.yaml"), "RON")
    found = [str(one) for plan, node in plans for one in empty_offers(plan, node, matters)]
    assert [one[: len(start)] for one, start in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ("{amnesty: {pay: 100, within: 14}}", "an amnesty asks for 1 to 99 percent of the debt, found 100"),
        ("{amnesty: {pay: 60, within: 0}}", "an offer stands 1 to 90 days after it was made, not 0"),
        ("{prepayment: {months: 11, free: 0, price: 5, within: 9}}", "at least 1 month is needed"),
        ("{prepayment: {months: 11, free: 1, price: 0, within: 9}}", "say what the months cost together"),
        ("{rebate: 5}", "rebate"),
    ],
)
def test_an_offer_that_is_none_is_refused_with_its_place(offers: str, said: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(said)) as refused:
        check(f"    start: {{after_days: 4, min_debt: 10}}\n    offers: {offers}\n" + STAGES)
    assert refused.value.line == 7


def test_the_part_to_pay_is_rounded_up_to_the_minor_unit() -> None:
    assert (Amnesty(60, 14).part(100_01), Amnesty(60, 14).part(100_00), Amnesty(1, 1).part(1)) == (60_01, 60_00, 1)
