"""Booking what a talk told us, in the transaction of its turn: outcomes become promises, requests, holds, opt-outs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from textwrap import shorten

from sqlalchemy import func, select, update

from engine.agreements.amnesties import take_amnesty
from engine.agreements.disputes import dispute
from engine.agreements.installments import agree_installments, request_installments, running_plan
from engine.agreements.promises import correct_promise, promise, redate_amnesty, replace_promises
from engine.calendar import working_day
from engine.contact import ChannelKind
from engine.debt import together
from engine.installment import Answer, InstallmentPolicy, Verdict, granted, schedule
from engine.ledger import CLAIM, Received, receive
from engine.money import Money
from engine.offer import Offer, last_day
from engine.outcome import (
    CallbackWanted,
    Disputed,
    Handover,
    InstallmentsRequested,
    LanguageChanged,
    NotAnswered,
    OfferAccepted,
    OfferKind,
    OperatorRequested,
    OptedOut,
    OtherWay,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)
from engine.plan import Offers, Plan, TaskKind
from engine.promise import PromiseTerms
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.days import client_day
from engine.store.facts import Plans, facts_of
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.casework import Contact, Task
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Conversation
from engine.store.tasks import give_task

LONGEST_DETAILS = 300


@dataclass(frozen=True, slots=True)
class Source:
    """Where an outcome comes from: the client, the address they wrote from, the event that is its proof, and how.

    `talk` is the conversation, 0 for none; `contact` the one it began with.
    """

    client: int
    address: int
    channel: str
    currency: str
    event: str
    means: Means = Means.WORD
    talk: int = 0
    contact: int | None = None


async def apply(session: WriteSession, outcomes: Sequence[Outcome], source: Source, now: datetime) -> None:
    """Book outcomes. The client is locked by the caller, who re-decides afterwards."""
    for outcome in outcomes:
        await _book(session, outcome, source, now)


async def _book(session: WriteSession, outcome: Outcome, source: Source, now: datetime) -> None:
    match outcome:
        case PromiseMade():
            await _promise(session, outcome, source, now)
        case InstallmentsRequested(parts):
            await _installments(session, parts, source, now)
        case PaymentClaimed(details):
            await _claim(session, details, source, now)
        case Disputed(reason):
            await _dispute(session, reason, source, now)
        case OfferAccepted(offer):
            await _offer(session, offer, source, now)
        case LanguageChanged(language, chosen):
            await _speak(session, source, language, chosen=chosen)
        case OptedOut():
            await book_consent(session, Consent.OPTED_OUT, [source.address], _proof(source), now)
        case WrongPerson():
            await book_consent(session, Consent.UNUSABLE, [source.address], _proof(source), now, shared=False)
            await _task(session, source, TaskKind.REVIEW, "the address reaches somebody else", now)
        case _:
            await _call_for(session, outcome, source, now)


async def _call_for(session: WriteSession, outcome: Outcome, source: Source, now: datetime) -> None:
    """What somebody is to do, and nothing to book."""
    match outcome:
        case OperatorRequested() as asked:
            kind = TaskKind.CALLBACK if asked.why is Handover.ASKED else TaskKind.REVIEW
            await _task(session, source, kind, f"conversation handed over: {asked.reason}", now)
        case NotAnswered(OtherWay.CALL):
            await _task(session, source, TaskKind.CALL, "gives no answer to a question of the bot's", now)
        case CallbackWanted():
            await _callback(session, outcome, source, now)


async def _dispute(session: WriteSession, reason: str, source: Source, now: datetime) -> None:
    sum_ = await unfrozen(session, source.client, source.currency, now)
    if sum_:
        await dispute(session, source.client, sum_, reason, now, told=not ChannelKind(source.channel).overheard)
    await _task(session, source, TaskKind.REVIEW, "disputes the debt", now)


async def _promise(session: WriteSession, made: PromiseMade, source: Source, now: datetime) -> None:
    """A correction takes the place of what it corrects; a promise of more than is free is one for another day, and
    takes the place of all that are open.
    """
    free, plan = await _foremost(session, source.client, source.currency, now)
    promised = made.amount or free
    if not promised:
        return
    number = await promise(session, source.client, promised, made.until, now, _terms(plan, source.channel))
    if made.instead and await correct_promise(session, number, *made.instead, now):
        free += made.instead[0]
    if free < promised:
        await replace_promises(session, number, now)
    else:
        await redate_amnesty(session, number, now)


async def promise_terms(session: ReadSession, client: int, currency: str, now: datetime) -> PromiseTerms:
    """The grace and threshold that the client's plan gives a promise; an operator records it."""
    return _terms((await _foremost(session, client, currency, now))[1], None)


def _terms(plan: Plan | None, channel: str | None) -> PromiseTerms:
    return PromiseTerms(channel, plan.grace, plan.promise_threshold) if plan else PromiseTerms(channel)


async def _installments(session: WriteSession, parts: int, source: Source, now: datetime) -> None:
    """What the policy of the client's plan grants is agreed at once; else a person decides, and is told why."""
    client, currency = source.client, source.currency
    free, plan = await _foremost(session, client, currency, now)
    await request_installments(session, client, currency, parts, now, source.channel)
    policy = plan.installments if plan else None
    if policy is None:
        await _task(session, source, TaskKind.REVIEW, f"asks to pay in {parts} parts", now)
        return
    verdict = granted(free.minor, parts, policy)
    if await running_plan(session, client, currency) is not None:
        verdict = Verdict(Answer.NEEDS_APPROVAL, "an installment plan runs already")
    if verdict.answer is Answer.GRANTED:
        await _agree(session, free, parts, policy, source, now)
    else:
        await _task(session, source, TaskKind.REVIEW, f"asks to pay in {parts} parts: {verdict.reason}", now)


async def _agree(
    session: WriteSession, debt: Money, parts: int, policy: InstallmentPolicy, source: Source, now: datetime
) -> None:
    country = await session.scalar(select(Client.country).where(Client.id == source.client))
    today = await client_day(session, source.client, now)
    agreed = schedule(debt.minor, parts, policy, today, lambda day: working_day(day, country))
    await agree_installments(session, source.client, debt.currency, agreed, now)


def _proof(source: Source) -> Proof:
    return Proof(source.means, source.event)


async def unfrozen(session: ReadSession, client: int, currency: str, now: datetime) -> Money:
    """What of the client's due debt in a currency no hold freezes, over all their plans: what a promise is for."""
    return (await _foremost(session, client, currency, now))[0]


async def _foremost(session: ReadSession, client: int, currency: str, now: datetime) -> tuple[Money, Plan | None]:
    """The client's conditional debt, and the plan that works most of it: its terms are those of agreements."""
    found = [
        (facts.claim, plan) async for facts, plan in facts_of(session, [client], now) if facts.currency == currency
    ]
    _, plan_of = max(found, key=lambda one: one[0].conditional, default=(None, None))
    return Money(together([debt for debt, _ in found]).conditional, currency), plan_of


async def _offer(session: WriteSession, offer: OfferKind, source: Source, now: datetime) -> None:
    """An amnesty is booked at once, as a promise of its part; anything else a person carries out, told the sums."""
    free, foremost = await _foremost(session, source.client, source.currency, now)
    plan = await _plan_of(session, source) or foremost
    terms = plan.offers if plan else Offers()
    reason = f"takes an offer that the plan does not make: {offer}"
    if offer is OfferKind.AMNESTY and terms.amnesty:
        until = await _open_until(session, terms.amnesty, source, now)
        agreed = replace(_terms(plan, source.channel), threshold=100)
        if until and await take_amnesty(session, source.client, terms.amnesty, free, until, now, agreed):
            return
        reason = f"wishes to take the amnesty, {terms.amnesty.pay} percent of the debt for the whole: agree on it"
    elif offer is OfferKind.PREPAYMENT and terms.prepayment:
        ahead = terms.prepayment
        price = Money(ahead.price, source.currency)
        reason = f"pays ahead: send the bill of {price} for {ahead.months} months, and give {ahead.free} more free"
        if not await _open_until(session, ahead, source, now):
            reason = f"wishes to pay ahead, {price} for {ahead.months} months, an offer that is over: agree on it"
    await _task(session, source, TaskKind.REVIEW, reason, now, key=f"offer:{source.talk or source.event}:{offer}")


async def _plan_of(session: ReadSession, source: Source) -> Plan | None:
    """The plan of the contact that the talk began with: what it offered is what is accepted."""
    plan = await session.scalar(select(Contact.plan_id).where(Contact.id == source.contact))
    return None if plan is None else await Plans(session).terms(plan, source.currency)


async def _open_until(session: ReadSession, offer: Offer, source: Source, now: datetime) -> date | None:
    """The last day of an offer, which counts from the client's day on which the talk's contact was made, or the talk
    began if it has none; None once it is over.
    """
    told = Conversation.contact_id == source.contact if source.contact else Conversation.id == source.talk
    first = await session.scalar(select(func.min(Conversation.opened_at)).where(told))
    until = last_day(offer, await client_day(session, source.client, first or now))
    return until if until >= await client_day(session, source.client, now) else None


async def _callback(session: WriteSession, wanted: CallbackWanted, source: Source, now: datetime) -> None:
    """A call on that day. Another day that is named in the same talk moves it; the same one is known."""
    where = f", means to pay: {wanted.place}" if wanted.place else ""
    reason, talk = f"agreed to be called on this day{where}", f"callback:{source.talk or source.event}:"
    key = f"{talk}{wanted.day}"
    if await session.scalar(select(Task.id).where(Task.source == key)) is None:
        earlier = update(Task).where(
            Task.client_id == source.client, Task.source.startswith(talk), Task.done_at.is_(None)
        )
        await session.execute(earlier.values(source=key, due_on=wanted.day, reason=reason))
    await _task(session, source, TaskKind.CALLBACK, reason, now, key=key, on=wanted.day)


async def _claim(session: WriteSession, details: str, source: Source, now: datetime) -> None:
    """A payment the client says they made is frozen until billing confirms or rejects it; a person looks for it."""
    claimed = await unfrozen(session, source.client, source.currency, now)
    if claimed:
        payment = Received(f"claim:{source.event}", source.client, claimed, now, CLAIM, confirmed=False)
        await receive(session, payment, now)
    told = f": {shorten(details, LONGEST_DETAILS, placeholder=' ...')}" if details else ""
    await _task(session, source, TaskKind.REVIEW, f"says it is paid already{told}", now)


async def _speak(session: WriteSession, source: Source, language: str, *, chosen: bool) -> None:
    """An explicit choice of language stands against any later guess."""
    statement = update(Client).where(Client.id == source.client)
    if not chosen:
        statement = statement.where(Client.language_chosen.is_(False))
    await session.execute(statement.values(language=language, language_chosen=chosen))


async def _task(
    session: WriteSession,
    source: Source,
    kind: TaskKind,
    reason: str,
    now: datetime,
    *,
    key: str = "",
    on: date | None = None,
) -> None:
    """Once for a `key`: an event, a kind and a reason where none is given. Nothing is to be done before `on`."""
    cause = key or f"{source.event}:{kind}:{reason}"[:200]
    if await give_task(session, source.client, kind, reason, cause, now, on):
        due = on.isoformat() if on else None
        note(session, source.client, now, "task", task=kind, reason=reason, due_on=due)
