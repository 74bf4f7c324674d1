"""Why the client was or was not contacted, as their page tells it: the sentences of `bot.because` and `bot.traced`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.because import frozen, of_plan, outcome, silence, waits
from bot.traced import fate
from engine.explaining.why import NotYet, Why, Work, why
from engine.store.session import ReadSession

NO_DAY = "That is no day. Give one such as 2026-04-15; here is today."
NOT_COME = "That day has not come, so nothing has been decided for it; here is today."


@dataclass(frozen=True, slots=True)
class PlanTold:
    """One plan: what was decided that day, why it stands as it does, and what was frozen then."""

    plan: str
    sentences: Sequence[str]
    frozen: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The answer for one day of the client's. `fault` says why it is not the day that was asked for.

    `waiting` is what keeps each case, by plan and currency, from its next step today.
    """

    day: date
    today: date
    fault: str
    contacts: Sequence[str]
    silence: Sequence[str]
    plans: Sequence[PlanTold]
    waiting: Mapping[tuple[str, str], Sequence[str]]


async def reasoning(session: ReadSession, client: str, asked: str, now: datetime) -> Reasoning:
    """The answer for the day `asked`, as the address has it; for today where it is empty or makes no sense."""
    present = await why(session, client, None, now)
    answer, fault = present, ""
    if asked:
        try:
            answer = await why(session, client, date.fromisoformat(asked), now)
        except NotYet:
            fault = NOT_COME
        except (ValueError, OverflowError):
            fault = NO_DAY
    zone = ZoneInfo(answer.zone)
    return Reasoning(
        day=answer.day,
        today=present.day,
        fault=fault,
        contacts=[fate(one, answer.traces, zone) for one in answer.traces.contacts],
        silence=list(silence(answer)),
        plans=[_told(work, answer) for work in answer.works],
        waiting={
            (work.plan, line.currency): waits(line, present.restraints)
            for work in present.works
            if (line := work.preview or work.line) is not None
        },
    )


def _told(work: Work, answer: Why) -> PlanTold:
    line = work.line
    return PlanTold(
        plan=work.plan,
        sentences=list(dict.fromkeys((*map(outcome, work.lines[:-1]), *of_plan(work, answer)))),
        frozen=[frozen(one, line.currency) for one in line.freezes] if line else [],
    )
