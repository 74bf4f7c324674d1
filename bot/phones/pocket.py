"""The phones of one subscriber, read from the store and the carriers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_

from bot.console.client import NoSuchClient
from bot.console.search import Filter, Found, find_clients
from bot.console.standings import Standing, standings
from bot.phones.hands import Hands, Written
from bot.phones.screens import MOST, Heard, Letter, Telephone, Thread, chat, mailbox, sms_thread, telephone
from bot.sandbox import Sandbox
from engine.calendar import zone
from engine.contact import ChannelKind
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Account, Address, Client
from engine.store.tables.talk import Author, Conversation, InboxEvent, InboxState, MessageRow, Owner

TO_TRY = 12


@dataclass(frozen=True, slots=True)
class Pocket:
    """A subscriber and what their phones show. `addresses` are those they can be reached by, one a channel.

    `accounts` are the numbers of their contracts, by which they prove in a call who they are.
    """

    client: Client
    zone: ZoneInfo
    addresses: Mapping[ChannelKind, Address]
    accounts: Sequence[str]
    standing: Standing | None
    sms: Thread
    telegram: Thread
    mails: Sequence[Letter]
    telephone: Telephone


async def client_of(session: ReadSession, ref: str) -> Client:
    """The client of that number. Raises NoSuchClient."""
    client = await session.scalar(select(Client).where(Client.ref == ref))
    if client is None:
        raise NoSuchClient
    return client


async def addresses_of(session: ReadSession, client: int) -> Mapping[ChannelKind, Address]:
    """One address a channel: the first that still works, else the first."""
    rows = await session.scalars(
        select(Address).where(Address.client_id == client).order_by(Address.dead_since.is_not(None), Address.id)
    )
    found: dict[ChannelKind, Address] = {}
    for row in rows:
        found.setdefault(ChannelKind(row.channel), row)
    return found


async def pocket(session: ReadSession, sandbox: Sandbox, hands: Hands, client: Client, now: datetime) -> Pocket:
    """Everything that client holds in their hands."""
    carriers, home = sandbox.carriers, sandbox.settings.public_url
    addresses = await addresses_of(session, client.id)
    number = {kind: address.sealed for kind, address in addresses.items()}
    heard = [*await _heard(session, client.id), *await _waiting(session, hands, client.id)]
    accounts = select(Account.ref).where(Account.client_id == client.id).order_by(Account.ref)
    local = zone(client.timezone)
    sms, telegram, email = (number.get(kind, "") for kind in (ChannelKind.SMS, ChannelKind.TELEGRAM, ChannelKind.EMAIL))
    return Pocket(
        client=client,
        zone=local,
        addresses=addresses,
        accounts=(await session.scalars(accounts)).all(),
        standing=(await standings(session, [client.id], now)).get(client.id),
        sms=sms_thread(carriers.twilio.sent, sms, heard, local, home),
        telegram=chat(carriers.telegram.sent, telegram, heard, local, home),
        mails=mailbox(carriers.relay.sent, email, heard, home),
        telephone=telephone(carriers.calls.latest(number.get(ChannelKind.VOICE, ""))),
    )


async def likely(session: ReadSession, asked: str, now: datetime) -> Sequence[Found]:
    """Clients whose phones are worth a look: those asked for, else those in work with whom most can be tried.

    First come those who are reached by most channels and with whom the bot still talks by itself.
    """
    page = await find_clients(session, asked, Filter.ALL if asked.strip() else Filter.WORKED, 0, now)
    if asked.strip():
        return page.clients[:TO_TRY]
    with_people = set(await session.scalars(select(Conversation.client_id).where(Conversation.owner != Owner.BOT)))

    def worth(one: Found) -> tuple[int, bool, bool, int]:
        left = one.standing.conditional.minor if one.standing else 0
        return -len(one.channels), one.id in with_people or not left, not one.language.startswith("en"), -left

    return sorted(page.clients, key=worth)[:TO_TRY]


async def _heard(session: ReadSession, client: int) -> list[Heard]:
    rows = await session.execute(
        select(MessageRow, Conversation.channel)
        .join(Conversation, Conversation.id == MessageRow.conversation_id)
        .where(Conversation.client_id == client, MessageRow.author == Author.CLIENT)
        .order_by(MessageRow.id.desc())
        .limit(MOST * len(ChannelKind))
    )
    return [
        Heard(f"m{row.id}", ChannelKind(channel), row.at, row.text or "", row.content.get("option", ""))
        for row, channel in rows
    ]


async def _waiting(session: ReadSession, hands: Hands, client: int) -> list[Heard]:
    """What was written here and has not been taken up yet; what has been is forgotten, as the store tells of it."""
    written = hands.written(client)
    if not written:
        return []
    events = [(one.provider, one.event) for one in written]
    done = await session.execute(
        select(InboxEvent.provider, InboxEvent.event).where(
            tuple_(InboxEvent.provider, InboxEvent.event).in_(events), InboxEvent.state != InboxState.NEW
        )
    )
    hands.forget(client, {(provider, event) for provider, event in done})
    return [_as_heard(one) for one in hands.written(client)]


def _as_heard(one: Written) -> Heard:
    return Heard(f"w{one.event}", one.channel, one.at, one.text, one.option, waits=True)
