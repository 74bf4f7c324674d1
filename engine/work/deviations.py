"""Deviation by experienced staff (B12): a case is moved, a stage skipped or held, a step added; each with a reason.

Every function works in the caller's transaction, locks the client itself, re-decides where the debt's work changes,
and leaves a line in the client's history with who did it and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case as sql_case
from sqlalchemy import func, select, update

from engine.calendar import Hours, zone
from engine.contact import ChannelKind
from engine.decide import enter
from engine.decision import NO_STAGE, CaseFacts
from engine.plan import Plan
from engine.run import decide_clients, write_decisions
from engine.store.facts import facts_of
from engine.store.feed import note_decided
from engine.store.history import note
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Case, Contact, ContactState, DeferralRow, Occasion, ServiceOrder
from engine.store.tables.portfolio import PlanVersion


class NoRunningCase(LookupError):
    """There is no running case to deviate in: it has closed, or never began."""


class NoSuchStage(LookupError):
    """The case's plan has no such stage."""


class TooLate(ValueError):
    """The stage has been entered already, so it can no longer be skipped or held back."""


class NoSuchDeferral(LookupError):
    """That stage is neither skipped nor held any more."""


class SameVersion(ValueError):
    """The case is on the version in force already."""


BELOW, PARKED = -2, -1000
"""Numbers below every stage and NO_STAGE: of stages a plan no longer has, and of those that are being renumbered."""


@dataclass(frozen=True, slots=True)
class Deviator:
    """Who deviates, why and when: without a reason nobody may."""

    by: str
    reason: str
    now: datetime
    hours: Hours


@dataclass(frozen=True, slots=True)
class _Work:
    case: Case
    facts: CaseFacts
    plan: Plan


async def move(session: WriteSession, case: int, stage: str, who: Deviator) -> None:
    """Put a case into a stage now, whatever its terms; the actions of a stage ahead follow, if new in the cycle.

    Stages between are neither entered nor made up for. Raises NoRunningCase, NoSuchStage.
    """
    work = await _running(session, case, who.now)
    number = _stage(work.plan, stage)
    _note(session, work, who, "moved", stage=stage)
    # The day a person chose counts as the day of entry, also of a stage that was entered before.
    work.case.stage_entered_on = work.facts.today
    await session.flush()
    await write_decisions(session, [enter(work.facts, work.plan, number)], who.now, who.hours)
    await note_decided(session, [work.case.client_id])


async def skip(session: WriteSession, case: int, stage: str, who: Deviator) -> None:
    """Leave a coming stage out of a case. Raises NoRunningCase, NoSuchStage, TooLate."""
    await _defer(session, case, stage, None, who)


async def hold_stage(session: WriteSession, case: int, stage: str, until: date, who: Deviator) -> None:
    """Let a stage be entered no earlier than on a day of the client's. Raises NoRunningCase, NoSuchStage, TooLate."""
    await _defer(session, case, stage, until, who)


async def resume(session: WriteSession, case: int, stage: str, who: Deviator) -> None:
    """A stage skipped or held comes in its turn again. Raises NoRunningCase, NoSuchStage, NoSuchDeferral."""
    work = await _running(session, case, who.now)
    if not await _end_deferral(session, work, _stage(work.plan, stage), who):
        raise NoSuchDeferral(f"the stage '{stage}' is neither skipped nor held")
    _note(session, work, who, "stage_resumed", stage=stage)
    await _decide(session, work, who)


async def add_contact(
    session: WriteSession, case: int, script: str, channels: Sequence[ChannelKind], who: Deviator
) -> int:
    """Plan a contact the plan does not have, in the client's next contact hours. The contact. Raises NoRunningCase."""
    work = await _running(session, case, who.now)
    added = await session.scalar(select(func.count()).where(Contact.case_id == case, Contact.stage == NO_STAGE))
    send_from, send_until = who.hours.next_span(who.now, zone(work.facts.zone))
    row = Contact(
        case_id=case,
        client_id=work.case.client_id,
        plan_id=work.case.plan_id,
        currency=work.case.currency,
        occasion=Occasion.ADDED,
        stage=NO_STAGE,
        action=added or 0,
        touch=0,
        script=script,
        channels=[channel.value for channel in channels],
        state=ContactState.PLANNED,
        planned_at=who.now,
        send_from=send_from,
        send_until=send_until,
    )
    session.add(row)
    _note(session, work, who, "contact_added", script=script)
    await session.flush()
    return row.id


async def change_version(session: WriteSession, case: int, who: Deviator) -> None:
    """Move a case to the version of its plan that is in force, by the names of its stages.

    Raises NoRunningCase, SameVersion, and NoSuchStage where that version lacks the stage the case is in.
    """
    work = await _running(session, case, who.now)
    latest = await session.scalar(
        select(PlanVersion).where(PlanVersion.name == work.case.plan_name, PlanVersion.in_force)
    )
    if latest is None or latest.id == work.case.plan_id:
        raise SameVersion(f"the case is on the version of '{work.case.plan_name}' that is in force")
    names = [stage["stage"] for stage in latest.terms["stages"]]
    here = work.plan.stages[work.case.stage].name if work.case.stage != NO_STAGE else None
    if here is not None and here not in names:
        raise NoSuchStage(f"version {latest.version} has no stage '{here}': move the case to another stage first")
    entered = [work.plan.stages[number].name for number in work.case.entered]
    work.case.plan_id = latest.id
    work.case.stage = names.index(here) if here is not None else NO_STAGE
    work.case.entered = [names.index(name) for name in entered if name in names]
    for row in await session.scalars(
        select(DeferralRow).where(DeferralRow.case_id == case, DeferralRow.ended_at.is_(None))
    ):
        name = work.plan.stages[row.stage].name
        if name in names:
            row.stage = names.index(name)
        else:
            row.ended_at = who.now
    await _renumber(session, case, [stage.name for stage in work.plan.stages], names)
    _note(session, work, who, "version_changed", version=latest.version)
    await session.flush()
    await decide_clients(session, [work.case.client_id], who.now, who.hours)


async def _renumber(session: WriteSession, case: int, before: Sequence[str], names: Sequence[str]) -> None:
    """Contacts and orders keep their stage by its name; what the new version does not know goes below every stage.

    In two steps, as stages may change places and each has its contacts but once.
    """
    numbers = {old: names.index(name) if name in names else BELOW - old for old, name in enumerate(before)}
    for table in (Contact, ServiceOrder):
        rows = update(table).where(table.case_id == case).execution_options(synchronize_session=False)
        aside = {old: PARKED - old for old in numbers}
        await session.execute(rows.where(table.stage.in_(numbers)).values(stage=sql_case(aside, value=table.stage)))
        back = {aside[old]: new for old, new in numbers.items()}
        await session.execute(rows.where(table.stage.in_(back)).values(stage=sql_case(back, value=table.stage)))


async def _defer(session: WriteSession, case: int, stage: str, until: date | None, who: Deviator) -> None:
    work = await _running(session, case, who.now)
    number = _stage(work.plan, stage)
    if number in work.case.entered:
        raise TooLate(f"the stage '{stage}' has been entered already")
    await _end_deferral(session, work, number, who)
    session.add(
        DeferralRow(case_id=case, stage=number, until=until, reason=who.reason, made_by=who.by, made_at=who.now)
    )
    day = until.isoformat() if until else None
    _note(session, work, who, "stage_held" if until else "stage_skipped", stage=stage, until=day)
    await _decide(session, work, who)


async def _end_deferral(session: WriteSession, work: _Work, stage: int, who: Deviator) -> bool:
    row = await session.scalar(
        select(DeferralRow).where(
            DeferralRow.case_id == work.case.id, DeferralRow.stage == stage, DeferralRow.ended_at.is_(None)
        )
    )
    if row is not None:
        row.ended_at = who.now
    return row is not None


async def _running(session: WriteSession, case: int, now: datetime) -> _Work:
    client = await session.scalar(select(Case.client_id).where(Case.id == case))
    if client is None:
        raise NoRunningCase(f"there is no case {case}")
    await lock_clients(session, [client])
    row = await session.get_one(Case, case, populate_existing=True)
    async for facts, plan in facts_of(session, [client], now):
        if facts.case is not None and facts.case.id == case:
            return _Work(row, facts, plan)
    raise NoRunningCase(f"case {case} is not running")


def _stage(plan: Plan, name: str) -> int:
    names = [stage.name for stage in plan.stages]
    if name not in names:
        raise NoSuchStage(f"the plan '{plan.name}' has no stage '{name}'; it has: {', '.join(names)}")
    return names.index(name)


async def _decide(session: WriteSession, work: _Work, who: Deviator) -> None:
    await session.flush()
    await decide_clients(session, [work.case.client_id], who.now, who.hours)


def _note(session: WriteSession, work: _Work, who: Deviator, kind: str, **detail: str | int | None) -> None:
    case = work.case
    note(session, case.client_id, who.now, kind, case=case.id, **detail, by=who.by, reason=who.reason)
