"""What was done to a client, and on which of their days: contacts sent, orders, tasks, texts that reached them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

from bot.sandbox import Carriers
from bot.simulate.people import Person
from channels.sandbox.call import Pickup
from channels.sandbox.mail import MailFate
from channels.sandbox.sms import Fate
from engine.calendar import local_day
from engine.contact import ChannelKind
from engine.store.session import Database
from engine.store.tables.casework import Case, Contact, ServiceOrder, Task
from engine.store.tables.portfolio import Account, PlanVersion
from engine.store.tables.talk import Attempt, Conversation, Outbound


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done on a day of the client's: what, a detail of it, and the plan it belongs to, if to one."""

    day: date
    what: str
    detail: str = ""
    plan: str = ""

    def __str__(self) -> str:
        return f"{self.day} {self.what} {self.detail}".rstrip()


async def contacts_sent(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Contacts of a plan, failed ones included: the channel, and the script as detail."""
    statement = (
        select(Attempt.started_at, Conversation.channel, Contact.script, PlanVersion.name)
        .join(Outbound, Outbound.id == Attempt.outbound_id)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .join(Contact, Contact.id == Outbound.contact_id)
        .join(PlanVersion, PlanVersion.id == Contact.plan_id)
        .where(Contact.client_id == client)
    )
    return await _deeds(database, statement, zone)


async def orders_given(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Orders to other systems: the verb, and the account as detail."""
    statement = (
        select(ServiceOrder.ordered_at, ServiceOrder.verb, func.coalesce(Account.ref, ""), Case.plan_name)
        .join(Case, Case.id == ServiceOrder.case_id)
        .outerjoin(Account, Account.id == ServiceOrder.account_id)
        .where(ServiceOrder.client_id == client)
    )
    return await _deeds(database, statement, zone)


async def tasks_made(database: Database, client: int, zone: ZoneInfo) -> list[Deed]:
    """Tasks for people: the kind, and why as detail."""
    of_a_stage = Task.source.startswith(func.concat("stage:", Task.client_id, ":", PlanVersion.id, ":"))
    statement = (
        select(Task.created_at, Task.kind, Task.reason, func.coalesce(PlanVersion.name, ""))
        .outerjoin(PlanVersion, of_a_stage)
        .where(Task.client_id == client)
    )
    return await _deeds(database, statement, zone)


async def _deeds(database: Database, statement: Select[datetime, str, str, str], zone: ZoneInfo) -> list[Deed]:
    async with database.read() as session:
        return [Deed(local_day(at, zone), *rest) for at, *rest in await session.execute(statement)]


def texts_received(carriers: Carriers, person: Person, zone: ZoneInfo) -> list[Deed]:
    """What was delivered to the client's phone, ear, mailbox and chat: the text, and the channel as detail."""
    sms, voice, mail, chat = (person.addresses.get(kind) for kind in ChannelKind)

    def deeds(found: Sequence[Any], channel: ChannelKind, text: str) -> list[Deed]:
        return [Deed(local_day(one.at, zone), getattr(one, text), channel) for one in found]

    messages = [one for one in carriers.twilio.sent if one.to == sms and one.fate is Fate.DELIVERED]
    calls = [one for one in carriers.calls.calls if one.person == voice and one.pickup is Pickup.PERSON]
    mails = [one for one in carriers.relay.sent if one.to.lower() == mail and one.fate is not MailFate.BOUNCED]
    chats = [one for one in carriers.telegram.sent if one.chat == chat]
    return [
        *deeds(messages, ChannelKind.SMS, "body"),
        *deeds(calls, ChannelKind.VOICE, "heard"),
        *deeds(mails, ChannelKind.EMAIL, "body"),
        *(Deed(local_day(one.at, zone), "\n".join([one.text, *one.labels]), ChannelKind.TELEGRAM) for one in chats),
    ]
