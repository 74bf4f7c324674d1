"""What a day left behind of one client: contacts and how they fared, orders, tasks, and what people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from engine.contact import Delivery
from engine.decision import NO_STAGE
from engine.store.session import ReadSession
from engine.store.tables.casework import CaseEvent, Contact, ContactState, Occasion, ServiceOrder, Task
from engine.store.tables.portfolio import Account, Address, PlanVersion
from engine.store.tables.talk import Attempt, Conversation, Outbound, Owner

ENGINE = frozenset({"begun", "stage", "stage_again", "open", "suspended", "closed", "ordered", "task"})
"""Events that only repeat what decisions, orders and tasks tell."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One message of a contact on one channel; `reason` is why it did not go out or through, `at` the last try."""

    channel: str
    state: Delivery
    reason: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Touch:
    """A contact of the day and what became of it since. `why` tells why nobody could be reached."""

    id: int
    plan: str
    occasion: Occasion
    stage: str | None
    script: str
    channels: tuple[str, ...]
    state: ContactState
    planned_at: datetime
    send_from: datetime
    send_until: datetime
    sendings: tuple[Sending, ...]
    why: str | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order to another system, and its answer if there is one."""

    at: datetime
    verb: str
    account: str | None
    outcome: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """A task that was made that day."""

    at: datetime
    kind: str
    reason: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the client's history that is no decision of the engine's: a deviation, a promise, a talk taken over."""

    at: datetime
    kind: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """An address of the client: by which channel, and since when it cannot be used."""

    channel: str
    opted_out_at: datetime | None
    dead_since: datetime | None


@dataclass(frozen=True, slots=True)
class Traces:
    """All of one day. `with_people` are the channels on which a person holds a conversation at this moment."""

    contacts: tuple[Touch, ...]
    orders: tuple[Ordered, ...]
    tasks: tuple[Given, ...]
    acts: tuple[Act, ...]
    ways: tuple[Way, ...]
    with_people: tuple[str, ...]


async def traces(session: ReadSession, client: int, start: datetime, end: datetime) -> Traces:
    """What happened to a client in `[start, end)`."""
    orders = await session.execute(
        select(ServiceOrder, Account.ref)
        .outerjoin(Account, Account.id == ServiceOrder.account_id)
        .where(ServiceOrder.client_id == client, ServiceOrder.ordered_at >= start, ServiceOrder.ordered_at < end)
        .order_by(ServiceOrder.id)
    )
    tasks = await session.scalars(
        select(Task).where(Task.client_id == client, Task.created_at >= start, Task.created_at < end).order_by(Task.id)
    )
    ways = await session.scalars(select(Address).where(Address.client_id == client).order_by(Address.id))
    held = await session.scalars(
        select(Conversation.channel).where(Conversation.client_id == client, Conversation.owner != Owner.BOT).distinct()
    )
    return Traces(
        contacts=await _contacts(session, client, start, end),
        orders=tuple(Ordered(one.ordered_at, one.verb, account, one.outcome, one.note) for one, account in orders),
        tasks=tuple(Given(one.created_at, one.kind, one.reason, one.done_at) for one in tasks),
        acts=await _acts(session, client, start, end),
        ways=tuple(Way(one.channel, one.opted_out_at, one.dead_since) for one in ways),
        with_people=tuple(held),
    )


async def _acts(session: ReadSession, client: int, start: datetime, end: datetime) -> tuple[Act, ...]:
    events = await session.scalars(
        select(CaseEvent)
        .where(CaseEvent.client_id == client, CaseEvent.at >= start, CaseEvent.at < end)
        .where(CaseEvent.kind.not_in(ENGINE), CaseEvent.kind != "unreachable")
        .order_by(CaseEvent.id)
    )
    return tuple(Act(one.at, one.kind, one.detail) for one in events)


async def _contacts(session: ReadSession, client: int, start: datetime, end: datetime) -> tuple[Touch, ...]:
    """Contacts planned, due or tried that day."""
    tried = select(Attempt.id).join(Outbound, Outbound.id == Attempt.outbound_id)
    that_day = or_(
        and_(Contact.planned_at >= start, Contact.planned_at < end),
        and_(Contact.send_from >= start, Contact.send_from < end),
        tried.where(Outbound.contact_id == Contact.id, Attempt.started_at >= start, Attempt.started_at < end).exists(),
    )
    rows = (
        await session.execute(
            select(Contact, PlanVersion.name, PlanVersion.terms)
            .join(PlanVersion, PlanVersion.id == Contact.plan_id)
            .where(Contact.client_id == client, that_day)
            .order_by(Contact.planned_at, Contact.id)
        )
    ).all()
    sendings = await _sendings(session, [contact.id for contact, _, _ in rows])
    reasons = await _unreachable(session, client)
    return tuple(
        Touch(
            id=contact.id,
            plan=plan,
            occasion=Occasion(contact.occasion),
            stage=None if contact.stage == NO_STAGE else terms["stages"][contact.stage]["stage"],
            script=contact.script,
            channels=tuple(contact.channels),
            state=ContactState(contact.state),
            planned_at=contact.planned_at,
            send_from=contact.send_from,
            send_until=contact.send_until,
            sendings=tuple(sendings.get(contact.id, ())),
            why=reasons.get((contact.case_id, contact.script)) if contact.state == ContactState.UNREACHABLE else None,
        )
        for contact, plan, terms in rows
    )


async def _sendings(session: ReadSession, contacts: Sequence[int]) -> dict[int, list[Sending]]:
    last = select(func.max(Attempt.started_at)).where(Attempt.outbound_id == Outbound.id).scalar_subquery()
    rows = await session.execute(
        select(Outbound, Conversation.channel, last)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .where(Outbound.contact_id.in_(contacts))
        .order_by(Outbound.id)
    )
    found: dict[int, list[Sending]] = {}
    for one, channel, at in rows:
        if one.contact_id is not None:
            found.setdefault(one.contact_id, []).append(Sending(channel, Delivery(one.state), one.reason, at))
    return found


async def _unreachable(session: ReadSession, client: int) -> dict[tuple[int | None, str], str]:
    """What the history says of contacts that could reach nobody, by case and script, the latest last."""
    events = await session.scalars(
        select(CaseEvent).where(CaseEvent.client_id == client, CaseEvent.kind == "unreachable").order_by(CaseEvent.id)
    )
    return {(one.case_id, one.detail["script"]): str(one.detail["why"]) for one in events}
