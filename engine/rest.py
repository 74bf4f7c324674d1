"""How long a client can be left alone: until which day nothing but news could change what is decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from engine.debt import day_reached
from engine.decision import Decision, Term
from engine.plan import Advance, Plan

LONGEST = 14
"""Days after which everybody is looked at again, whatever the calendar says: each client on a day of their own, so that
a mark that was lost does no harm for long, and no day has all the work."""
DAY = timedelta(days=1)


def rests_until(plans: Sequence[Plan], decisions: Sequence[Decision]) -> date:
    """The first day after today on which a client's decisions, one for each of their plans, could say something else
    with the same debts and agreements. New debts are not told of here: the store knows when they fall due.
    """
    facts = decisions[0].facts
    if any(plan.include.ages for plan in plans) or _unsettled(plans, decisions):
        return facts.today + DAY
    turn = facts.today + timedelta(days=LONGEST - (facts.today.toordinal() + facts.client) % LONGEST)
    days = (day for plan, one in zip(plans, decisions, strict=True) for day in _of_the_calendar(plan, one))
    return min([turn, *(day for day in days if day > facts.today)])


def _unsettled(plans: Sequence[Plan], decisions: Sequence[Decision]) -> bool:
    """Whether more may follow from what is done now than the decision itself says of the step after it."""
    stepwise_alone = len(plans) == 1 and plans[0].advance is Advance.STEPWISE
    return any(one.ending is not None or (one.changes and not stepwise_alone) for one in decisions)


def _of_the_calendar(plan: Plan, decision: Decision) -> Iterator[date]:
    """The days on which time alone changes what is decided: a term holds, a hold is over, a pause begins or ends."""
    facts, case = decision.facts, decision.facts.case
    for unmet in decision.unmet:
        if unmet.term is Term.DELIVERY:
            yield facts.today + DAY  # mail counts as delivered a day after it was sent
        elif unmet.day is not None:
            yield unmet.day
    if plan.advance is Advance.STRICTEST:
        yield from _of_any_stage(plan, decision)
    yield from (hold.until + DAY for hold in facts.holds if hold.until is not None)
    for pause in facts.pauses:
        yield from (pause.starts, pause.ends)
    yield from (one.until for one in (case.deferrals if case else ()) if one.until is not None)


def _of_any_stage(plan: Plan, decision: Decision) -> Iterator[date]:
    """A case that goes to the strictest stage may skip the one whose terms are told."""
    facts, debt = decision.facts, decision.standing
    for stage in plan.stages if debt.owed else ():
        yield day_reached(debt.owed[0].due, stage.days_past_due, facts.pauses)
    if facts.last_contact_on is not None:
        yield facts.last_contact_on + timedelta(days=plan.min_days_between_contacts)
    if any(stage.needs_delivered is not None for stage in plan.stages):
        yield facts.today + DAY
