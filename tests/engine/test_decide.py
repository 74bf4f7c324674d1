"""The rule on single clients: every term that can hold a case back, both ways to advance, and what a person changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contact import ChannelKind
from engine.debt import Hold, HoldKind, Owed, Part, Pause, day_reached, paused_days, paused_until, standing
from engine.decide import applied, coming_order, decide, enter
from engine.decision import CaseFacts, CaseStatus, Decision, Deferral, Ending, RunningCase, Term
from engine.plan import Advance, GiveTask, Order, Plan, Send, Stage, TaskKind, Verb

TODAY = date(2026, 3, 11)
SMS = (ChannelKind.SMS,)
LADDER = Plan(
    name="ladder",
    group="individuals",
    standard=True,
    after_days=4,
    min_debt=50_00,
    stages=(
        Stage("reminder", 0, 50_00, actions=(Send("reminder", SMS),)),
        Stage("warning", 7, 50_00, actions=(Send("warning", SMS),)),
        Stage("restriction", 7, 100_00, actions=(Order(Verb.SUSPEND_SERVICE, 100_00), GiveTask(TaskKind.CALL))),
    ),
)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def owes(*sums: int, since: int = 30, part: Part = Part.WORKED) -> tuple[Owed, ...]:
    return tuple(Owed(number, number, days_ago(since), amount, part) for number, amount in enumerate(sums, start=1))


def facts(
    owed: tuple[Owed, ...], *, stage: int | None = None, entered: int = 7, began: int = 20, **more: object
) -> CaseFacts:
    """A client with a case in `stage`, entered so many days ago, or without one."""
    case = None
    if stage is not None:
        on = days_ago(entered) if stage >= 0 else None
        done = frozenset(range(stage + 1))
        case = RunningCase(1, 1, stage, days_ago(began), on, CaseStatus.OPEN, entered=done)
    known = CaseFacts(7, 1, "RON", "Europe/Bucharest", TODAY, owed, (), 1 if case else 0, case)
    return known._replace(**{"last_entered_on": case.stage_entered_on if case else None, **more})


def terms(decision: Decision) -> list[Term]:
    return [one.term for one in decision.unmet]


@pytest.mark.parametrize(("age", "amount", "begins"), [(4, 50_00, True), (3, 50_00, False), (4, 49_99, False)])
def test_a_cycle_starts_on_the_day_and_at_the_sum_exactly(age: int, amount: int, begins: bool) -> None:
    decision = decide(facts(owes(amount, since=age)), LADDER)
    assert decision.begins is begins
    assert (decision.stage == 0) is begins, "a first stage that waits for nothing is entered at once"


def test_what_is_waited_for_before_the_start_names_its_day() -> None:
    [wait] = decide(facts(owes(60_00, since=1)), LADDER).unmet
    assert (wait.term, wait.needs, wait.has, wait.day) == (Term.START_DEBT, 50_00, 0, TODAY + timedelta(days=3))


def test_a_stage_waits_for_its_days_and_says_from_when() -> None:
    early = decide(facts(owes(60_00), stage=0, entered=6), LADDER)
    assert not early.enters
    assert [(one.term, one.day) for one in early.unmet] == [(Term.AFTER_DAYS, TODAY + timedelta(days=1))]
    assert decide(facts(owes(60_00), stage=0, entered=7), LADDER).stage == 1


def test_every_term_that_does_not_hold_is_told() -> None:
    decision = decide(facts(owes(60_00), stage=1, entered=2), LADDER)
    assert terms(decision) == [Term.AFTER_DAYS, Term.MIN_DEBT]


def test_one_stage_a_day_also_across_cycles() -> None:
    again = facts(owes(60_00), last_entered_on=TODAY)
    decision = decide(again, LADDER)
    assert decision.begins
    assert not decision.enters


def test_delinquent_days_are_what_a_stage_asks() -> None:
    plan = replace(LADDER, stages=(LADDER.stages[0], Stage("late", 0, 50_00, days_past_due=30)))
    assert decide(facts(owes(60_00, since=30), stage=0), plan).stage == 1
    paused = facts(owes(60_00, since=30), stage=0, pauses=(Pause(days_ago(10), days_ago(8)),))
    [wait] = decide(paused, plan).unmet
    assert (wait.term, wait.day) == (Term.DAYS_PAST_DUE, TODAY + timedelta(days=2))


def test_frozen_invoices_count_as_unpaid_ones() -> None:
    plan = replace(LADDER, stages=(LADDER.stages[0], Stage("many", 0, 50_00, min_unpaid_invoices=3)))
    held = (Hold(HoldKind.DISPUTE, 10_00, invoice=3),)
    assert decide(facts(owes(60_00, 10_00, 10_00), stage=0, holds=held), plan).stage == 1
    assert terms(decide(facts(owes(60_00, 10_00), stage=0), plan)) == [Term.UNPAID_INVOICES]


def test_a_stage_can_need_that_a_notice_was_delivered() -> None:
    stages = (LADDER.stages[0], Stage("final", 7, 50_00, needs_delivered=0))
    plan = replace(LADDER, stages=stages)
    waiting = facts(owes(60_00), stage=0)
    assert [(one.term, one.name) for one in decide(waiting, plan).unmet] == [(Term.DELIVERY, "reminder")]
    assert waiting.case
    heard = waiting._replace(case=waiting.case._replace(delivered=frozenset({0})))
    assert decide(heard, plan).stage == 1


def test_in_a_pause_no_stage_is_entered_and_nothing_is_ordered() -> None:
    known = facts(owes(200_00), stage=1, pauses=(Pause(TODAY, TODAY + timedelta(days=5)),))
    decision = decide(known, LADDER)
    assert not decision.enters
    assert [(one.term, one.day) for one in decision.unmet if one.term is Term.PAUSED] == [
        (Term.PAUSED, TODAY + timedelta(days=5))
    ]
    restricted = facts(owes(200_00), stage=2, pauses=known.pauses)
    assert decide(restricted, LADDER).instructions == ()


def test_a_cycle_may_begin_in_a_pause_and_its_count_waits() -> None:
    known = facts(owes(60_00), pauses=(Pause(days_ago(1), TODAY + timedelta(days=1)),))
    decision = decide(known, LADDER)
    assert (decision.begins, decision.enters) == (True, False)


def test_contacts_of_all_plans_share_one_budget() -> None:
    plan = replace(LADDER, min_days_between_contacts=3)
    spoken = facts(owes(200_00), stage=0, last_contact_on=days_ago(2))
    assert [(one.term, one.day) for one in decide(spoken, plan).unmet] == [
        (Term.CONTACT_GAP, TODAY + timedelta(days=1))
    ]
    assert decide(spoken._replace(last_contact_on=days_ago(3)), plan).enters
    silent = facts(owes(200_00), stage=1, last_contact_on=days_ago(1))
    assert decide(silent, plan).stage == 2, "a stage that says nothing needs no budget"


def test_suspended_is_below_what_the_next_step_needs() -> None:
    promise = (Hold(HoldKind.PROMISE, 120_00, until=TODAY),)
    assert decide(facts(owes(200_00), stage=1, entered=1, holds=promise), LADDER).status is CaseStatus.SUSPENDED
    assert decide(facts(owes(200_00), stage=0, entered=1, holds=promise), LADDER).status is CaseStatus.OPEN
    assert decide(facts(owes(20_00), stage=0, entered=1), LADDER).status is CaseStatus.OPEN, "nothing is frozen"
    at_the_start = replace(LADDER, advance=Advance.STRICTEST)
    assert decide(facts(owes(200_00), stage=1, holds=promise), at_the_start).status is CaseStatus.OPEN


def test_a_case_closes_at_the_exit_debt_and_restores() -> None:
    known = facts(owes(5_00), stage=2)
    assert known.case
    known = known._replace(case=known.case._replace(ordered=frozenset({(Verb.SUSPEND_SERVICE, 1)})))
    decision = decide(known, replace(LADDER, exit_debt=5_00))
    assert (decision.status, decision.ending) == (CaseStatus.CLOSED, Ending.PAID)
    assert [(one.verb, one.account) for one in decision.instructions] == [(Verb.RESTORE_SERVICE, 1)]


STRICT = Plan(
    name="strict",
    group="individuals",
    standard=True,
    after_days=0,
    min_debt=10_00,
    advance=Advance.STRICTEST,
    stages=(
        Stage("mild", 0, 20_00, actions=(Send("reminder", SMS),)),
        Stage("firm", 0, 100_00, actions=(Order(Verb.CREDIT_HOLD, 1),)),
        Stage("hard", 0, 300_00, actions=(Order(Verb.SUSPEND_SERVICE, 1),)),
    ),
)


@pytest.mark.parametrize(("owed", "stage"), [(10_00, -1), (20_00, 0), (299_99, 1), (300_00, 2)])
def test_the_strictest_stage_whose_terms_hold(owed: int, stage: int) -> None:
    assert decide(facts(owes(owed)), STRICT).stage == stage


def test_a_strictest_plan_skips_up_without_the_actions_between() -> None:
    decision = decide(facts(owes(400_00)), STRICT)
    assert [one.verb for one in decision.instructions] == [Verb.SUSPEND_SERVICE]
    assert decision.approaches == ()


def test_a_strictest_plan_goes_down_quietly_and_up_again_without_repeating() -> None:
    top = applied(facts(owes(400_00)), decide(facts(owes(400_00)), STRICT))
    down = decide(top._replace(owed=owes(50_00)), STRICT)
    assert (down.stage, down.enters, down.moves, down.approaches) == (0, False, True, ())
    back = decide(applied(top._replace(owed=owes(50_00)), down)._replace(owed=owes(400_00)), STRICT)
    assert (back.stage, back.enters, back.instructions) == (2, False, ())
    none = decide(top._replace(owed=owes(15_00)), STRICT)
    assert (none.stage, none.status) == (-1, CaseStatus.OPEN)


def test_a_blinking_cycle_ends_with_its_last_stage_and_leaves_its_debts_alone() -> None:
    plan = replace(LADDER, blinking=True)
    decision = decide(facts(owes(200_00), stage=1), plan)
    assert (decision.stage, decision.status, decision.ending) == (2, CaseStatus.CLOSED, Ending.WORKED)
    left = owes(200_00, part=Part.EARLIER)
    assert decide(facts(left), plan).begins is False
    fresh = (*left, Owed(9, 9, days_ago(4), 60_00))
    again = decide(facts(fresh), plan)
    assert again.begins
    assert (again.standing.real, again.standing.conditional) == (260_00, 60_00)
    assert again.standing.days_past_due(TODAY) == 4
    paid = decide(facts(left, stage=0), plan)
    assert paid.ending is Ending.PAID, "its own debts are paid; those of earlier cycles are not its business"


def test_a_hold_without_an_invoice_lies_on_the_oldest_debt_of_any_plan() -> None:
    water = Owed(1, 1, days_ago(9), 60_00, Part.ELSEWHERE)
    mine = Owed(2, 2, days_ago(5), 100_00)
    debt = standing((water, mine), [Hold(HoldKind.PROMISE, 80_00)], TODAY)
    assert (debt.real, debt.conditional, debt.frozen) == (100_00, 80_00, (20_00,))


def test_a_left_plan_is_finished_before_another_begins() -> None:
    known = facts(owes(200_00), finishing="old plan")
    assert [(one.term, one.name) for one in decide(known, LADDER).unmet] == [(Term.FINISHING, "old plan")]


def deferred(stage: int, until: date | None) -> CaseFacts:
    known = facts(owes(200_00), stage=0)
    assert known.case
    return known._replace(case=known.case._replace(deferrals=(Deferral(stage, until),)))


def test_a_skipped_stage_is_passed_over_and_a_held_one_waits() -> None:
    assert decide(deferred(1, None), LADDER).stage == 2
    coming = coming_order(deferred(1, None), LADDER, Verb.SUSPEND_SERVICE)
    assert coming == (LADDER.stages[2].actions[0], TODAY + timedelta(days=1))
    held = decide(deferred(1, TODAY + timedelta(days=3)), LADDER)
    assert [(one.term, one.day) for one in held.unmet] == [(Term.HELD, TODAY + timedelta(days=3))]
    assert decide(deferred(1, TODAY), LADDER).stage == 1


def test_a_person_moves_a_case_whatever_its_terms() -> None:
    decision = enter(facts(owes(60_00), stage=0, entered=0), LADDER, 2)
    assert (decision.stage, decision.enters) == (2, True)
    assert [one.kind for one in decision.work] == [TaskKind.CALL]
    assert decision.instructions == (), "no account owes what the order asks"


def test_the_same_order_of_two_stages_is_given_once() -> None:
    twice = replace(LADDER, stages=(*LADDER.stages, Stage("again", 0, 100_00, actions=LADDER.stages[2].actions)))
    known = facts(owes(200_00), stage=1)
    first = decide(known, twice)
    later = applied(known, first)._replace(today=TODAY + timedelta(days=1))
    second = decide(later, twice)
    assert second.stage == 3
    assert (len(first.instructions), second.instructions) == (1, ())


pauses = st.lists(
    st.tuples(st.dates(days_ago(40), TODAY + timedelta(days=10)), st.integers(0, 12)).map(
        lambda one: Pause(one[0], one[0] + timedelta(days=one[1]))
    ),
    max_size=5,
).map(tuple)


@given(pauses, st.integers(0, 40))
def test_a_day_that_two_pauses_cover_counts_once(held: tuple[Pause, ...], back: int) -> None:
    since = days_ago(back)
    covered = {since + timedelta(days=n) for n in range(back)}
    assert paused_days(held, since, TODAY) == len(
        {day for day in covered if any(p.starts <= day < p.ends for p in held)}
    )


@given(pauses)
def test_a_pause_is_over_on_the_first_day_that_none_covers(held: tuple[Pause, ...]) -> None:
    until = paused_until(held, TODAY)
    on = any(pause.starts <= TODAY < pause.ends for pause in held)
    assert (until is not None) is on
    if until:
        assert not any(pause.starts <= until < pause.ends for pause in held)


@given(pauses, st.integers(0, 30), st.integers(0, 30))
def test_a_term_of_days_holds_from_the_day_it_names(held: tuple[Pause, ...], back: int, needed: int) -> None:
    since = days_ago(back)
    day = day_reached(since, needed, held)
    assert (day - since).days - paused_days(held, since, day) >= needed
    before = day - timedelta(days=1)
    assert needed == 0 or (before - since).days - paused_days(held, since, before) < needed


def test_suspended_looks_at_the_stage_that_comes_and_not_at_one_that_is_skipped() -> None:
    known = deferred(1, None)._replace(holds=(Hold(HoldKind.DISPUTE, 140_00),))
    assert decide(known, LADDER).status is CaseStatus.SUSPENDED, "60 is enough for the warning, not for the restriction"


def test_a_service_that_another_case_has_suspended_is_neither_suspended_again_nor_restored() -> None:
    elsewhere = facts(owes(200_00), stage=2, suspended_elsewhere=frozenset({1}))
    assert decide(elsewhere, LADDER).instructions == ()
    assert elsewhere.case
    mine = elsewhere.case._replace(ordered=frozenset({(Verb.SUSPEND_SERVICE, 1)}))
    assert decide(elsewhere._replace(case=mine, owed=()), LADDER).instructions == ()
