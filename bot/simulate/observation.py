"""Reading what became of a client: how they stand at the end of a day, and what was done on which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from bot.sandbox import Carriers
from bot.simulate.people import Person
from channels.sandbox.sms import Fate
from engine.calendar import local_day
from engine.contact import ChannelKind
from engine.debt import standing
from engine.decide import NO_STAGE, CaseFacts, status
from engine.money import Money
from engine.plan import Plan
from engine.store.facts import facts_of
from engine.store.session import Database, ReadSession
from engine.store.tables.casework import Case, Contact, ServiceOrder, Task
from engine.store.tables.ledger import InstallmentRequest, Promise
from engine.store.tables.portfolio import Account, Address, Client, PlanVersion
from engine.store.tables.talk import Attempt, Conversation, Outbound, Owner


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a client stands at one moment, in the words of the expectations."""

    values: dict[str, frozenset[str]]


async def look_at(database: Database, client: int, currency: str, now: datetime) -> Snapshot:
    """Everything a state expectation may ask about, at `now`."""
    async with database.read() as session:
        values = await _case(session, client, currency, now)
        values |= await _promise(session, client, currency)
        row = await session.get_one(Client, client)
        today = local_day(now, ZoneInfo(row.timezone))
        requests = (await session.execute(_requests(client))).all()
        values["installment_request"] = frozenset(
            str(parts) for parts, at in requests if local_day(at, ZoneInfo(row.timezone)) <= today
        )
        owners = await session.scalars(select(Conversation.owner).where(Conversation.client_id == client))
        values["escalated"] = frozenset({str(any(owner != Owner.BOT for owner in owners)).lower()})
        stopped = select(Address.channel).where(Address.client_id == client, Address.opted_out_at.is_not(None))
        values["opted_out"] = frozenset(await session.scalars(stopped))
        values["language"] = frozenset({row.language})
    return Snapshot(values)


def _requests(client: int) -> Select[int, datetime]:
    return select(InstallmentRequest.parts, InstallmentRequest.requested_at).where(
        InstallmentRequest.client_id == client
    )


async def _case(session: ReadSession, client: int, currency: str, now: datetime) -> dict[str, frozenset[str]]:
    nothing = frozenset({str(Money(0, currency).major)})
    values = {"real_debt": nothing, "conditional_debt": nothing, "days_past_due": frozenset({"0"})}
    values |= {"case": frozenset({"none"}), "stage": frozenset({"none"}), "cycle": frozenset({"0"})}
    latest = await session.scalar(select(Case).where(Case.client_id == client).order_by(Case.id.desc()).limit(1))
    if latest is not None:
        version = await session.get_one(PlanVersion, latest.plan_id)
        names = [stage["stage"] for stage in version.terms["stages"]]
        values["case"] = frozenset({"closed"})
        values["stage"] = frozenset({"none" if latest.stage == NO_STAGE else names[latest.stage]})
        values["cycle"] = frozenset({str(latest.cycle)})
    async for facts, plan in facts_of(session, [client], now):
        values |= _standing(facts, plan, currency)
    return values


def _standing(facts: CaseFacts, plan: Plan, currency: str) -> dict[str, frozenset[str]]:
    debt = standing(facts.owed, facts.holds, facts.today)
    values = {
        "real_debt": frozenset({str(Money(debt.real, currency).major)}),
        "conditional_debt": frozenset({str(Money(debt.conditional, currency).major)}),
        "days_past_due": frozenset({str(debt.days_past_due(facts.today))}),
    }
    if facts.case is not None:
        values["case"] = frozenset({status(debt, plan, facts.case.stage).value})
    return values


async def _promise(session: ReadSession, client: int, currency: str) -> dict[str, frozenset[str]]:
    row = await session.scalar(select(Promise).where(Promise.client_id == client).order_by(Promise.id.desc()).limit(1))
    if row is None:
        return {}
    amount = str(Money(row.amount, currency).major)
    values = {"promise": row.state, "amount": amount, "until": row.until.isoformat()}
    return {key: frozenset({value}) for key, value in values.items()}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to a client on one of their days: a contact sent, an order, a task."""

    day: date
    what: str
    detail: str


async def contacts_sent(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Contacts of the plan, failed ones included: the channel, and the script as detail."""
    statement = (
        select(Attempt.started_at, Conversation.channel, Contact.script)
        .join(Outbound, Outbound.id == Attempt.outbound_id)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .join(Contact, Contact.id == Outbound.contact_id)
        .where(Contact.client_id == client)
    )
    async with database.read() as session:
        return [Deed(local_day(at, zone), *rest) for at, *rest in await session.execute(statement)]


async def orders_given(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Orders to other systems: the verb, and the account as detail."""
    statement = (
        select(ServiceOrder.ordered_at, ServiceOrder.verb, Account.ref)
        .outerjoin(Account, Account.id == ServiceOrder.account_id)
        .where(ServiceOrder.client_id == client)
    )
    async with database.read() as session:
        return [Deed(local_day(at, zone), *rest) for at, *rest in await session.execute(statement)]


async def tasks_made(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Tasks for people: the kind, and why as detail."""
    statement = select(Task.created_at, Task.kind, Task.reason).where(Task.client_id == client)
    async with database.read() as session:
        return [Deed(local_day(at, zone), *rest) for at, *rest in await session.execute(statement)]


def texts_received(carriers: Carriers, person: Person, zone: ZoneInfo) -> list[Deed]:
    """What reached the client's phone, ear, mailbox and chat: the text, and the channel as detail."""
    kinds = (ChannelKind.SMS, ChannelKind.EMAIL, ChannelKind.TELEGRAM)
    sms, mail, chat = (person.addresses.get(kind) for kind in kinds)
    heard = [
        Deed(local_day(one.at, zone), one.body, ChannelKind.SMS)
        for one in carriers.twilio.sent
        if one.to == sms and one.fate is Fate.DELIVERED
    ]
    read = [
        Deed(local_day(one.at, zone), one.body, ChannelKind.EMAIL)
        for one in carriers.relay.sent
        if one.to.lower() == mail
    ]
    chatted = [
        Deed(local_day(one.at, zone), "\n".join([one.text, *one.labels]), ChannelKind.TELEGRAM)
        for one in carriers.telegram.sent
        if one.chat == chat
    ]
    called = [
        Deed(local_day(one.at, zone), one.heard, ChannelKind.VOICE)
        for one in carriers.calls.calls
        if one.person == person.addresses.get(ChannelKind.VOICE)
    ]
    return heard + read + chatted + called
