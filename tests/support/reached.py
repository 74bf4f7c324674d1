"""Contacts that were made: the talk of one, and how its first message fares at the carrier."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select

from engine.contact import ChannelKind, Delivery
from engine.store.session import WriteSession
from engine.store.tables.casework import Contact, ContactState
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Attempt, Author, Conversation, MessageRow, Outbound, Owner


def given_talk(
    address: Address, now: datetime, script: str = "reminder", contact: Contact | None = None
) -> Conversation:
    """A talk by SMS that began at `now`, of a contact or of none; it is in no session yet."""
    return Conversation(
        client_id=address.client_id,
        contact_id=contact.id if contact else None,
        address_id=address.id,
        channel=ChannelKind.SMS,
        currency=contact.currency if contact else "RON",
        script=script,
        script_version="1",
        language="ro",
        state={},
        thread=f"t{address.id}:{contact.id if contact else 0}",
        owner=Owner.BOT,
        opened_at=now,
        last_at=now,
    )


async def given_opened(
    session: WriteSession, contact: Contact, state: Delivery, now: datetime, by: ChannelKind = ChannelKind.SMS
) -> None:
    """The contact was opened at `now`, and its message, sent at once, has come as far as `state`."""
    found = await session.scalars(select(Address).where(Address.client_id == contact.client_id).limit(1))
    address = found.one()
    talk = given_talk(address, now, contact.script, contact)
    talk.channel = by
    session.add(talk)
    contact.state = ContactState.OPENED
    await session.flush()
    said = MessageRow(conversation_id=talk.id, author=Author.BOT, at=now, content={})
    session.add(said)
    await session.flush()
    sent = Outbound(
        message_id=said.id,
        conversation_id=talk.id,
        contact_id=contact.id,
        address_id=address.id,
        channel=by,
        state=state,
        priority=1,
        parting=False,
        send_from=now,
        send_until=now + timedelta(hours=1),
    )
    session.add(sent)
    await session.flush()
    session.add(Attempt(id=uuid4(), outbound_id=sent.id, no=1, state=state, body="", digest=b"", started_at=now))
    await session.flush()
