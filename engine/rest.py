"""How long a client can be left alone: until which day nothing but news could change what is decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from engine.debt import day_reached
from engine.decision import Decision
from engine.plan import Advance, Plan

LONGEST = 28
"""Days after which everybody is looked at again, whatever the calendar says: each client on a day of their own, so that
a mark that was lost does no harm for long, and no day has all the work."""
DAY = timedelta(days=1)


def rests_until(plans: Sequence[Plan], decisions: Sequence[Decision]) -> date:
    """The first day after today on which a client's decisions, one for each of their plans, could say something else
    although nothing was booked.
    """
    facts = decisions[0].facts
    if any(plan.include.ages for plan in plans) or _unsettled(plans, decisions):
        return facts.today + DAY
    turn = facts.today + timedelta(days=LONGEST - (facts.today.toordinal() + facts.client) % LONGEST)
    days = [day for plan, one in zip(plans, decisions, strict=True) for day in _of_the_calendar(plan, one)]
    if facts.coming_on is not None:
        days.append(facts.coming_on)
    return min([turn, *(day for day in days if day > facts.today)])


def _unsettled(plans: Sequence[Plan], decisions: Sequence[Decision]) -> bool:
    """Whether more may follow from what is done now than the decision itself says of the step after it."""
    stepwise_alone = len(plans) == 1 and plans[0].advance is Advance.STEPWISE
    return any(one.ending is not None or (one.changes and not stepwise_alone) for one in decisions)


def _of_the_calendar(plan: Plan, decision: Decision) -> list[date]:
    """The days on which time alone changes what is decided: a term holds, a hold is over, a pause begins or ends."""
    facts, case = decision.facts, decision.facts.case
    days = [unmet.day for unmet in decision.unmet if unmet.day is not None]
    if plan.advance is Advance.STRICTEST:
        days += _of_any_stage(plan, decision)
    days += [hold.until + DAY for hold in facts.holds if hold.until is not None]
    for pause in facts.pauses:
        days += (pause.starts, pause.ends)
    if case is not None:
        days += [one.until for one in case.deferrals if one.until is not None]
        if case.expects_mail:
            days.append(facts.today + DAY)
    return days


def _of_any_stage(plan: Plan, decision: Decision) -> Iterator[date]:
    """A case that goes to the strictest stage may skip the one whose terms are told."""
    facts, debt = decision.facts, decision.standing
    for stage in plan.stages if debt.owed else ():
        yield day_reached(debt.owed[0].due, stage.days_past_due, facts.pauses)
    if facts.last_contact_on is not None:
        yield facts.last_contact_on + timedelta(days=plan.min_days_between_contacts)
