"""Who a reply comes from, and which talk it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, text

from bot.application import Application
from bot.situation import Situations
from bot.speaking import open_talk
from channels.port import Inbound
from engine.contact import ChannelKind
from engine.store.addresses import BadAddress, blind_index
from engine.store.session import WriteSession
from engine.store.tables.portfolio import Account, Address, Client
from engine.store.tables.talk import Conversation, Owner

BELONGS = timedelta(days=14)
"""A reply belongs to the latest conversation of its address within this time (ARCHITECTURE 15)."""

Lookup = bytes
"""By what an address is found, whoever registered it: channels cannot meet in it."""

HOLD_OWNERS = text("""
select id from clients where id in (select client_id from addresses where lookup = any(:lookups))
order by id for no key update
""")


def lookup_of(channel: ChannelKind, sender: str) -> Lookup | None:
    """None where nobody can have such an address."""
    try:
        return blind_index(channel, sender)
    except BadAddress:
        return None


async def hold_owners(session: WriteSession, lookups: Collection[Lookup]) -> None:
    """Hold all clients who have registered these addresses, for this transaction, in the order of their ids."""
    await session.execute(HOLD_OWNERS, {"lookups": list(lookups)})


class Registrations(NamedTuple):
    """Who has registered some addresses, oldest first: several clients may share one."""

    addresses: Mapping[Lookup, Sequence[Address]]
    clients: Mapping[int, Client]


async def registrations(session: WriteSession, lookups: Collection[Lookup]) -> Registrations:
    """Every registration of these addresses as it is now.

    Where there are several addresses they are held, in the order in which news of deliveries holds them: their replies
    may book consent one after another, and the two would wait in a circle.
    """
    statement = select(Address, Client).join(Client, Client.id == Address.client_id)
    statement = statement.where(Address.lookup.in_(lookups)).order_by(Address.id)
    if len(lookups) > 1:
        statement = statement.with_for_update(key_share=True, of=Address)
    found, clients = defaultdict[Lookup, list[Address]](list), dict[int, Client]()
    for address, client in await session.execute(statement.execution_options(populate_existing=True)):
        found[address.lookup].append(address)
        clients[client.id] = client
    return Registrations(found, clients)


async def addresses_of(session: WriteSession, channel: ChannelKind, sender: str) -> Sequence[Address]:
    """Every registration of a sender's address, oldest first."""
    lookup = lookup_of(channel, sender)
    return (await registrations(session, [lookup])).addresses.get(lookup, ()) if lookup else ()


async def recent_talks(session: WriteSession, addresses: Collection[Address], now: datetime) -> Sequence[Conversation]:
    """The talks a reply from these addresses may belong to, latest first; they are held for this transaction."""
    statement = select(Conversation).where(
        Conversation.address_id.in_([address.id for address in addresses]), Conversation.last_at >= now - BELONGS
    )
    latest = statement.order_by(Conversation.last_at.desc(), Conversation.id.desc())
    held = latest.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.scalars(held)).all()


def talk_of(recent: Sequence[Conversation], inbound: Inbound) -> Conversation | None:
    """Of the `recent` talks of a reply's address, latest first, the one whose thread it carries; else the latest, one
    that a person has or that waits for a person before the bot's own.

    Where several clients share the address and more than one of them was spoken to lately, none is guessed.
    """
    for talk in recent:
        if inbound.thread and talk.thread == inbound.thread:
            return talk
    if len({talk.client_id for talk in recent}) == 1:
        return next((talk for talk in recent if talk.owner != Owner.BOT), recent[0])
    return None


async def new_talk(
    session: WriteSession, app: Application, client: Client, address: Address, script: str, situations: Situations
) -> Conversation | None:
    """A talk that has said nothing yet; None where the client has no account to talk of."""
    currency = await _currency(session, client.id, situations)
    if currency is None:
        return None
    return open_talk(session, app, client, address, script, currency, situations.now)


async def _currency(session: WriteSession, client: int, situations: Situations) -> str | None:
    """The currency to speak of: that of most debt, else that of the first account; None without accounts."""
    first = select(Account.currency).where(Account.client_id == client).order_by(Account.id).limit(1)
    return situations.main_currency(client) or await session.scalar(first)
