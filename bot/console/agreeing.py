"""What an operator agrees with a client by a form: promises to pay, answers to a wish to pay in parts, to be written
to again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select

from bot.consenting import let_back
from bot.console.deviating import NOT_THEIRS, Doing
from bot.console.fields import Unfilled
from engine.agreements.installments import answer_request
from engine.agreements.promises import promise, withdraw_promise
from engine.apply import promise_terms, unfrozen
from engine.calendar import working_day
from engine.installment import InstallmentPolicy, Part, schedule
from engine.money import Money
from engine.store.consents import Means, Proof
from engine.store.history import note
from engine.store.session import ReadSession, lock_clients
from engine.store.tables.ledger import InstallmentRequest, Promise
from engine.store.tables.portfolio import Address, Client

MOST_PARTS = 24
LONGEST_NAME = 120
WHO_ASKED = "Say who asked for it, and how: that stays in the client's history as the proof."
NOT_STOPPED = "That address may be written to already."


@dataclass(frozen=True, slots=True)
class Row:
    """One part as a form proposes it."""

    no: int
    due: date | None
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wish to pay in parts that waits for an answer, and a schedule to begin from: equal parts, monthly."""

    id: int
    wished: int
    currency: str
    free: Money
    rows: Sequence[Row]


async def proposals(session: ReadSession, client: Client, today: date, now: datetime) -> Sequence[Proposal]:
    """A schedule over what no hold freezes for each open request of the client."""
    requests = await session.scalars(
        select(InstallmentRequest)
        .where(InstallmentRequest.client_id == client.id, InstallmentRequest.answered_at.is_(None))
        .order_by(InstallmentRequest.id)
    )
    found = []
    for one in requests.all():
        free = await unfrozen(session, client.id, one.currency, now)
        wished = min(max(one.parts, 1), MOST_PARTS)
        policy = InstallmentPolicy(most_parts=wished)
        parts = (
            schedule(free.minor, wished, policy, today, lambda day: working_day(day, client.country))
            if free.minor >= wished
            else [None] * wished
        )
        rows = [
            Row(number, part.due if part else None, Money(part.amount, one.currency) if part else None)
            for number, part in enumerate(parts, start=1)
        ]
        found.append(Proposal(one.id, one.parts, one.currency, free, rows))
    return found


async def record_promise(doing: Doing) -> None:
    """A promise that the client, or somebody for them, made to a person; the plan's grace and threshold apply."""
    fields, session, client = doing.fields, doing.session, doing.client.id
    currency = await doing.currency()
    amount, until = fields.amount("amount", currency), fields.coming("until")
    promiser = fields.text("promiser", "", LONGEST_NAME) if fields.said("promiser") else None
    who = await doing.deviator()
    await lock_clients(session, [client])
    terms = replace(await promise_terms(session, client, currency, doing.now), promiser=promiser)
    number = await promise(session, client, amount, until, doing.now, terms)
    note(session, client, doing.now, "promise_recorded", promise=number, by=who.by, reason=who.reason)
    await doing.decide()


async def withdraw(doing: Doing) -> None:
    """A promise is called off: what it froze can be collected again."""
    number = doing.fields.number("promise")
    if await doing.session.scalar(select(Promise.client_id).where(Promise.id == number)) != doing.client.id:
        doing.fields.fault("promise", NOT_THEIRS)
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await withdraw_promise(doing.session, number, who.reason, doing.now, by=who.by)
    await doing.decide()


async def grant(doing: Doing) -> None:
    """A wish to pay in parts is granted with the parts of the form; rows left empty are no parts."""
    request = await _request(doing)
    parts = []
    for number in range(1, MOST_PARTS + 1):
        if doing.fields.said(f"due-{number}") or doing.fields.said(f"amount-{number}"):
            due = doing.fields.coming(f"due-{number}")
            parts.append(Part(due, doing.fields.amount(f"amount-{number}", request.currency).minor))
    if not parts:
        doing.fields.fault("due-1", "Give at least one part: its day and its sum.")
    if len({part.due for part in parts}) < len(parts):
        doing.fields.fault("due-1", "Each part needs a day of its own.")
    await _answer(doing, request, granted=True, parts=parts)


async def refuse(doing: Doing) -> None:
    """A wish to pay in parts is refused."""
    await _answer(doing, await _request(doing), granted=False)


async def write_again(doing: Doing) -> None:
    """An address that was opted out may be written to again: somebody has asked for it."""
    reason = doing.fields.text("reason", WHO_ASKED)
    address = await doing.own(Address, "address")
    proof = Proof(Means.OPERATOR, doing.who.name, reason)
    if not await let_back(doing.session, doing.app, address, proof, doing.now):
        raise Unfilled({"": NOT_STOPPED})


async def _request(doing: Doing) -> InstallmentRequest:
    row = await doing.session.get(InstallmentRequest, doing.fields.number("request"))
    if row is None or row.client_id != doing.client.id:
        doing.fields.fault("request", NOT_THEIRS)
        doing.fields.sound()
        raise AssertionError("a field with a fault is not sound")
    return row


async def _answer(doing: Doing, request: InstallmentRequest, *, granted: bool, parts: Sequence[Part] = ()) -> None:
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await answer_request(
        doing.session, request.id, doing.now, granted=granted, parts=parts, reason=who.reason, by=doing.who.id
    )
    await doing.decide()
