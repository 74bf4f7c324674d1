"""Pay links: an address nobody can guess, of which the store keeps only the digest."""

from __future__ import annotations

import re
import secrets
import string
from hashlib import sha256

from sqlalchemy import select

from engine.store.session import ReadSession
from engine.store.tables.talk import PayLink

ALPHABET = string.digits + string.ascii_letters
LENGTH = 22
TOKEN = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}", re.ASCII)
"""22 characters of 62 carry 131 bits."""


def new_token() -> str:
    """What makes a new pay page's address its client's alone. It cannot be shown twice: only its digest is kept."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def address_of(token: str, public_url: str) -> str:
    """The address of a pay page."""
    return f"{public_url.rstrip('/')}/pay/{token}"


async def find_link(session: ReadSession, token: str) -> PayLink | None:
    """The link of that token. A token of another shape is not even looked up."""
    if not TOKEN.fullmatch(token):
        return None
    return await session.scalar(select(PayLink).where(PayLink.digest == digest_of(token)))


def digest_of(token: str) -> bytes:
    """What the store keeps of a token."""
    return sha256(token.encode()).digest()
