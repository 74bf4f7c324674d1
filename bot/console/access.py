"""Sessions of the console: rows in the store, so that signing out, disabling and expiry take effect at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import delete, or_, select, update

from engine.store.session import ReadSession, WriteSession
from engine.store.tables.people import SignInLink, User, UserSession

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
FRESH = timedelta(minutes=1)
"""A session's `seen_at` is written once in this time, not at every click."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in. `stale` says that the session's last sight is worth writing down again."""

    id: int
    login: str
    name: str
    stale: bool


def digest(token: str) -> bytes:
    """What the store keeps of a token."""
    return sha256(token.encode()).digest()


async def open_session(session: WriteSession, user: int, now: datetime) -> str:
    """A new session. Returns its token, which only the browser keeps; sessions that have ended are cleared away."""
    ended = or_(UserSession.seen_at < now - IDLE, UserSession.started_at < now - LONGEST)
    await session.execute(delete(UserSession).where(UserSession.user_id == user, ended))
    token = token_urlsafe(24)
    session.add(UserSession(digest=digest(token), user_id=user, started_at=now, seen_at=now))
    return token


async def signed_in(session: ReadSession, token: str, now: datetime) -> Operator | None:
    """Whose session it is; None when it has ended, by sign-out, time or the user being disabled."""
    row = (
        await session.execute(
            select(User, UserSession.seen_at)
            .join(UserSession, UserSession.user_id == User.id)
            .where(
                UserSession.digest == digest(token),
                UserSession.seen_at >= now - IDLE,
                UserSession.started_at >= now - LONGEST,
                User.disabled_at.is_(None),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    user, seen_at = row
    return Operator(user.id, user.login, user.name, now - seen_at >= FRESH)


async def seen(session: WriteSession, token: str, now: datetime) -> None:
    """The session is in use: its idle time begins anew."""
    await session.execute(update(UserSession).where(UserSession.digest == digest(token)).values(seen_at=now))


async def end_session(session: WriteSession, token: str) -> None:
    """Sign out."""
    await session.execute(delete(UserSession).where(UserSession.digest == digest(token)))


async def link_is_good(session: ReadSession, token: str, now: datetime) -> bool:
    """Whether a one-time link would sign in. Looking does not use it up: previews of links open them."""
    return await session.scalar(select(SignInLink.user_id).where(*_good(token, now))) is not None


async def use_link(session: WriteSession, token: str, now: datetime) -> int | None:
    """Use a one-time link up. The user's id; None when it is unknown, late or used."""
    return await session.scalar(
        update(SignInLink).where(*_good(token, now)).values(used_at=now).returning(SignInLink.user_id)
    )


def _good(token: str, now: datetime):  # type: ignore[no-untyped-def] # SQLAlchemy's column expressions
    return SignInLink.digest == digest(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now
