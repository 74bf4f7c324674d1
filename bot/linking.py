"""Joining Telegram chats to clients by one-time links, of which the store keeps only the digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import select

from bot.correspondents import addresses_of
from engine.contact import ChannelKind
from engine.store.addresses import blind_index, normal
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.linking import TelegramLink
from engine.store.tables.portfolio import Address

LIFE = timedelta(days=7)
RANDOM_BYTES = 24
"""As base64url 32 characters, of the 64 a deep link can carry."""


async def deep_link(session: WriteSession, client: int, bot_name: str, now: datetime) -> str:
    """An address that joins the chat it is first opened in to the client, within seven days."""
    token = token_urlsafe(RANDOM_BYTES)
    session.add(TelegramLink(digest=_digest(token), client_id=client, created_at=now, expires_at=now + LIFE))
    await session.flush()
    return f"https://t.me/{bot_name}?start={token}"


async def join(session: WriteSession, chat: str, token: str, event: str, now: datetime) -> Address | None:
    """Use up a link: the chat becomes an address of its client, who has asked for our messages by opening it.

    None where the link is unknown, used or too old.
    """
    link = await session.scalar(
        select(TelegramLink)
        .where(TelegramLink.digest == _digest(token), TelegramLink.used_at.is_(None), TelegramLink.expires_at > now)
        .with_for_update()
    )
    if link is None:
        return None
    link.used_at = now
    await lock_clients(session, [link.client_id])
    known = [
        address
        for address in await addresses_of(session, ChannelKind.TELEGRAM, chat)
        if address.client_id == link.client_id
    ]
    address = known[0] if known else _new_address(session, link.client_id, chat)
    await session.flush()
    proof = Proof(Means.LINK, event)
    await book_consent(session, Consent.USABLE, [address.id], proof, now, shared=False)
    await book_consent(session, Consent.OPTED_IN, [address.id], proof, now)
    return address


async def readmit(session: WriteSession, addresses: Sequence[Address], event: str, now: datetime) -> None:
    """The person in the chat wants our messages again. Nobody else can say so."""
    of = [address.id for address in addresses]
    await book_consent(session, Consent.OPTED_IN, of, Proof(Means.WORD, event), now)


def _new_address(session: WriteSession, client: int, chat: str) -> Address:
    kind = ChannelKind.TELEGRAM
    address = Address(client_id=client, channel=kind, sealed=normal(kind, chat), lookup=blind_index(kind, chat))
    session.add(address)
    return address


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
