"""The line of a case's stages as the engine knows it: entered, left out, skipped, held, and the next with its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import func, select

from bot.console.shown import channel_word, words
from engine.calendar import local_day, zone
from engine.decide import earliest_entry
from engine.decision import CaseFacts, RunningCase
from engine.plan import Action, Advance, GiveTask, Order, Plan, Send, Stage
from engine.store.session import ReadSession
from engine.store.tables.casework import CaseEvent


class Progress(StrEnum):
    """Where a stage stands in the line of stages; `passed` was moved past without being entered."""

    PAST = "past"
    PASSED = "passed"
    NOW = "now"
    NEXT = "next"
    SKIPPED = "skipped"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the line. `on` is the client's day it was entered, for the next one the first day it can be.

    `held` is the day until which a person holds it back; `does` what entering it sets going.
    """

    name: str
    progress: Progress
    on: date | None
    held: date | None
    does: str

    @property
    def coming(self) -> bool:
        """Whether it may still be entered in its turn."""
        return self.progress in (Progress.NEXT, Progress.LATER)

    @property
    def deferred(self) -> bool:
        """Whether a person has skipped it or holds it back."""
        return self.progress is Progress.SKIPPED or (self.coming and self.held is not None)


async def line_of_stages(session: ReadSession, facts: CaseFacts, plan: Plan) -> Sequence[Step]:
    """All stages of the plan in order; none without a case."""
    case = facts.case
    if case is None:
        return []
    entered = await _entered(session, facts, case)
    skipped = {one.stage for one in case.deferrals if one.until is None}
    held = {one.stage: one.until for one in case.deferrals if one.until is not None and one.until > facts.today}
    following = next((one for one in range(case.stage + 1, len(plan.stages)) if one not in skipped), None)
    steps = []
    for number, stage in enumerate(plan.stages):
        progress = _progress(case, number, skipped, following if plan.advance is Advance.STEPWISE else None)
        on = earliest_entry(facts, plan, number) if progress is Progress.NEXT else entered.get(number)
        steps.append(Step(stage.name, progress, on, held.get(number), does(stage)))
    return steps


def does(stage: Stage) -> str:
    """What entering a stage sets going, in words."""
    return ", ".join(_word(action) for action in stage.actions) or "nothing by itself"


def _progress(case: RunningCase, number: int, skipped: set[int], following: int | None) -> Progress:
    if number == case.stage:
        return Progress.NOW
    if number in skipped:
        return Progress.SKIPPED
    if number in case.entered:
        return Progress.PAST
    if number < case.stage:
        return Progress.PASSED
    return Progress.NEXT if number == following else Progress.LATER


async def _entered(session: ReadSession, facts: CaseFacts, case: RunningCase) -> Mapping[int, date]:
    """The client's days of entry; those before the case came to another version counted stages otherwise."""
    changed = (
        select(func.coalesce(func.max(CaseEvent.id), 0))
        .where(CaseEvent.case_id == case.id, CaseEvent.kind == "version_changed")
        .scalar_subquery()
    )
    events = await session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.kind.in_(("stage", "stage_again")), CaseEvent.id > changed)
        .order_by(CaseEvent.id)
    )
    found = {event.detail["stage"]: local_day(event.at, zone(facts.zone)) for event in events}
    return {**found, case.stage: case.stage_entered_on or case.started_on}


def _word(action: Action) -> str:
    match action:
        case Send(script, channels):
            return f"{words(script)} by {' or '.join(channel_word(channel) for channel in channels)}"
        case Order(verb, _):
            return words(verb)
        case GiveTask(kind):
            return f"a task: {words(kind)}"
