"""Booking what a talk told us, in the transaction of its turn: outcomes become promises, requests, holds, opt-outs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from engine.debt import standing
from engine.decide import CaseFacts
from engine.holds import dispute, promise, replace_promises, request_installments
from engine.ledger import CLAIM, Received, receive
from engine.money import Money
from engine.outcome import (
    Disputed,
    Handover,
    InstallmentsRequested,
    LanguageChanged,
    OperatorRequested,
    OptedOut,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)
from engine.plan import TaskKind
from engine.store.facts import facts_of
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.casework import CaseEvent, Task
from engine.store.tables.portfolio import Address, Client


@dataclass(frozen=True, slots=True)
class Source:
    """Where an outcome comes from: the client, the address they wrote from, and the event that is its proof."""

    client: int
    address: int
    channel: str
    currency: str
    event: str


async def apply(session: WriteSession, outcomes: Sequence[Outcome], source: Source, now: datetime) -> None:
    """Book outcomes. The client is locked by the caller, who re-decides afterwards."""
    for outcome in outcomes:
        await _book(session, outcome, source, now)


async def _book(session: WriteSession, outcome: Outcome, source: Source, now: datetime) -> None:
    match outcome:
        case PromiseMade(amount, until):
            await _promise(session, amount, until, source, now)
        case InstallmentsRequested(parts):
            await request_installments(session, source.client, source.currency, parts, now, source.channel)
            await _task(session, source, TaskKind.REVIEW, f"asks to pay in {parts} parts", now)
        case PaymentClaimed():
            await _claim(session, source, now)
        case Disputed(reason):
            sum_ = await unfrozen(session, source.client, source.currency, now)
            if sum_:
                await dispute(session, source.client, sum_, reason, now)
            await _task(session, source, TaskKind.REVIEW, "disputes the debt", now)
        case OperatorRequested(why):
            kind = TaskKind.CALLBACK if why is Handover.ASKED else TaskKind.REVIEW
            await _task(session, source, kind, f"conversation handed over: {why}", now)
        case OptedOut():
            await opt_out(session, source.address, now)
            _note(session, source, now, "opted_out")
        case WrongPerson():
            await session.execute(
                update(Address).where(Address.id == source.address, Address.dead_since.is_(None)).values(dead_since=now)
            )
            await _task(session, source, TaskKind.REVIEW, "the address reaches somebody else", now)
        case LanguageChanged(language, chosen):
            await _speak(session, source, language, chosen=chosen)


async def _promise(session: WriteSession, amount: Money | None, until: date, source: Source, now: datetime) -> None:
    """A promise of more than is free is one for another day: it takes the place of the client's open ones."""
    free = await unfrozen(session, source.client, source.currency, now)
    if amount is not None and free < amount:
        await replace_promises(session, source.client, source.currency, now)
    if promised := amount or free:
        await promise(session, source.client, promised, until, now, source.channel)


async def opt_out(session: WriteSession, address: int, now: datetime) -> None:
    """No more messages to this address, whichever clients share it."""
    of = select(Address.lookup).where(Address.id == address).scalar_subquery()
    await session.execute(
        update(Address).where(Address.lookup == of, Address.opted_out_at.is_(None)).values(opted_out_at=now)
    )


async def unfrozen(session: ReadSession, client: int, currency: str, now: datetime) -> Money:
    """What of the client's due debt in a currency no hold freezes: a promise without a sum is for this."""
    sums = [0]
    async for facts, _ in facts_of(session, [client], now):
        if facts.currency == currency:
            sums.append(conditional(facts))
    return Money(max(sums), currency)


def conditional(facts: CaseFacts) -> int:
    """The conditional debt of these facts, in minor units."""
    return standing(facts.owed, facts.holds, facts.today).conditional


async def _claim(session: WriteSession, source: Source, now: datetime) -> None:
    """A payment the client says they made is frozen until billing confirms or rejects it; a person looks for it."""
    claimed = await unfrozen(session, source.client, source.currency, now)
    if claimed:
        payment = Received(f"claim:{source.event}", source.client, claimed, now, CLAIM, confirmed=False)
        await receive(session, payment, now)
    await _task(session, source, TaskKind.REVIEW, "says it is paid already", now)


async def _speak(session: WriteSession, source: Source, language: str, *, chosen: bool) -> None:
    """An explicit choice of language stands against any later guess."""
    statement = update(Client).where(Client.id == source.client)
    if not chosen:
        statement = statement.where(Client.language_chosen.is_(False))
    await session.execute(statement.values(language=language, language_chosen=chosen))


async def _task(session: WriteSession, source: Source, kind: TaskKind, reason: str, now: datetime) -> None:
    values = {
        "client_id": source.client,
        "kind": kind,
        "reason": reason,
        "source": f"{source.event}:{kind}:{reason}"[:200],
        "created_at": now,
    }
    given = await session.scalar(insert(Task).values(values).on_conflict_do_nothing().returning(Task.id))
    if given is not None:
        _note(session, source, now, "task", task=kind, reason=reason)


def _note(session: WriteSession, source: Source, now: datetime, kind: str, **detail: str) -> None:
    session.add(CaseEvent(client_id=source.client, at=now, kind=kind, detail=detail))
