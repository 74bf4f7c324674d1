"""Pay links: an address nobody can guess, of which the store keeps only the digest."""

from __future__ import annotations

import re
import secrets
import string
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from engine.store.session import ReadSession, WriteSession
from engine.store.tables.talk import PayLink

ALPHABET = string.digits + string.ascii_letters
LENGTH = 22
TOKEN = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}", re.ASCII)
"""22 characters of 62 carry 131 bits."""


def new_link(
    session: WriteSession, client: int, currency: str, conversation: int | None, now: datetime, public_url: str
) -> str:
    """An address of the client's pay page. It cannot be shown a second time: the token itself is not kept."""
    token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    session.add(
        PayLink(
            digest=_digest(token), client_id=client, conversation_id=conversation, currency=currency, created_at=now
        )
    )
    return f"{public_url.rstrip('/')}/pay/{token}"


async def find_link(session: ReadSession, token: str) -> PayLink | None:
    """The link of that token. A token of another shape is not even looked up."""
    if not TOKEN.fullmatch(token):
        return None
    return await session.scalar(select(PayLink).where(PayLink.digest == _digest(token)))


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
