"""Properties of the two debts and of the decision, over debts and holds of every shape."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.contact import ChannelKind
from engine.debt import Hold, HoldKind, Owed, Part, allocate, standing
from engine.decide import applied, decide
from engine.decision import CaseFacts, CaseStatus, RunningCase
from engine.plan import GiveTask, Order, Plan, Send, Stage, TaskKind, Verb

TODAY = date(2026, 3, 11)
PLAN = Plan(
    name="standard",
    group="individuals",
    standard=True,
    after_days=5,
    min_debt=50_00,
    stages=(
        Stage("reminder", 0, 50_00, 0, 0, (Send("reminder", (ChannelKind.SMS,)),)),
        Stage("restriction", 10, 50_00, 0, 0, (Order(Verb.SUSPEND_SERVICE, 100_00), GiveTask(TaskKind.CALL))),
    ),
)

debts = st.lists(
    st.builds(
        Owed,
        invoice=st.integers(1, 9),
        account=st.integers(1, 3),
        due=st.dates(date(2026, 1, 1), TODAY),
        balance=st.integers(1, 300_00),
        part=st.just(Part.WORKED),
    ),
    max_size=6,
    unique_by=lambda owed: owed.invoice,
).map(lambda owed: tuple(sorted(owed, key=lambda one: (one.due, one.invoice))))
holds = st.lists(
    st.builds(
        Hold,
        kind=st.sampled_from(HoldKind),
        amount=st.integers(1, 400_00),
        invoice=st.none() | st.integers(1, 9),
        account=st.none() | st.integers(1, 3),
        until=st.none() | st.dates(TODAY - timedelta(days=5), TODAY + timedelta(days=20)),
    ),
    max_size=5,
).map(tuple)


def stages_entered(case: RunningCase) -> dict[str, object]:
    """Up to its own; on no day where it is in none."""
    return {
        "entered": frozenset(range(case.stage + 1)),
        "stage_entered_on": case.stage_entered_on if case.stage >= 0 else None,
    }


cases = st.none() | st.builds(
    RunningCase,
    id=st.just(1),
    cycle=st.just(1),
    stage=st.integers(-1, 1),
    started_on=st.just(TODAY - timedelta(days=30)),
    stage_entered_on=st.none() | st.dates(TODAY - timedelta(days=30), TODAY),
    told=st.sampled_from([CaseStatus.OPEN, CaseStatus.SUSPENDED]),
    ordered=st.sets(st.tuples(st.just(Verb.SUSPEND_SERVICE), st.integers(1, 3)), max_size=3).map(frozenset),
    delivered=st.just(frozenset()),
    deferrals=st.just(()),
    expects_mail=st.just(False),
).map(lambda case: case._replace(**stages_entered(case)))
facts = st.builds(
    lambda owed, held, case: CaseFacts(7, 1, "RON", "Europe/Bucharest", TODAY, owed, held, 0, case), debts, holds, cases
)


@given(debts, holds)
def test_no_more_is_frozen_than_is_owed(owed: tuple[Owed, ...], held: tuple[Hold, ...]) -> None:
    debt = standing(owed, held, TODAY)
    assert all(0 <= frozen <= item.balance for frozen, item in zip(debt.frozen, owed, strict=True))
    assert 0 <= debt.conditional <= debt.real == sum(item.balance for item in owed)
    assert debt.conditional == sum(debt.conditional_of(account) for account in {item.account for item in owed})
    assert sum(debt.frozen) <= sum(hold.amount for hold in debt.held)


@given(debts, holds, st.integers(1, 100_00))
def test_another_hold_never_unfreezes(owed: tuple[Owed, ...], held: tuple[Hold, ...], more: int) -> None:
    before = standing(owed, held, TODAY)
    after = standing(owed, (*held, Hold(HoldKind.PROMISE, more)), TODAY)
    assert after.conditional == max(before.conditional - more, 0)


def test_a_hold_ends_after_its_last_day() -> None:
    owed = (Owed(1, 1, date(2026, 3, 1), 100_00),)
    promise = Hold(HoldKind.PROMISE, 100_00, until=TODAY)
    assert standing(owed, [promise], TODAY).conditional == 0
    assert standing(owed, [promise], TODAY + timedelta(days=1)).conditional == 100_00


def test_a_hold_without_an_invoice_covers_the_oldest_that_is_not_frozen() -> None:
    owed = (Owed(1, 1, date(2026, 3, 1), 60_00), Owed(2, 2, date(2026, 3, 2), 140_00))
    debt = standing(owed, [Hold(HoldKind.PROMISE, 50_00), Hold(HoldKind.DISPUTE, 60_00, invoice=1)], TODAY)
    assert debt.frozen == (60_00, 50_00)


@given(st.integers(0, 1000), st.lists(st.integers(1, 300), max_size=6))
def test_money_is_shared_in_order_and_none_is_made(amount: int, balances: list[int]) -> None:
    shares = allocate(amount, list(enumerate(balances)))
    assert sum(part for _, part in shares) == min(amount, sum(balances))
    assert [number for number, _ in shares] == list(range(len(shares)))
    assert all(part == balances[number] for number, part in shares[:-1]), "an older one is settled before the next"


@given(facts)
def test_no_contact_is_decided_on_frozen_or_paid_debt(known: CaseFacts) -> None:
    decision = decide(known, PLAN)
    if decision.approaches:
        assert decision.standing.conditional >= PLAN.stages[decision.stage].min_debt
        assert decision.status is not CaseStatus.CLOSED


@given(facts)
def test_a_case_closes_exactly_when_real_debt_is_gone(known: CaseFacts) -> None:
    decision = decide(known, PLAN)
    assert (decision.status is CaseStatus.CLOSED) == (known.case is not None and decision.standing.real == 0)


@given(facts)
def test_stages_come_one_a_day_and_in_order(known: CaseFacts) -> None:
    decision = decide(known, PLAN)
    before = known.case.stage if known.case else -1
    assert decision.stage - before == int(decision.enters)
    if known.case and known.case.stage_entered_on == known.today:
        assert not decision.enters


@given(facts)
def test_deciding_again_after_applying_changes_nothing(known: CaseFacts) -> None:
    decision = decide(known, PLAN)
    if decision.status in (None, CaseStatus.CLOSED):
        return
    assert decide(applied(known, decision), PLAN).changes is False
