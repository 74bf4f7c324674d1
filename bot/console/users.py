"""Users of the console: added, listed, disabled and given new passwords, by the command line and by the demo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from bot.console.access import digest
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.people import SignInLink, User, UserSession

LINK_LIFE = timedelta(hours=24)


class LoginTaken(ValueError):
    """There is a user of that login already: reset the password, or choose another login."""


class NoSuchUser(LookupError):
    """There is no user of that login: `amiable user list` shows them all."""


async def add_user(session: WriteSession, login: str, name: str, password: str | None, now: datetime) -> int:
    """A new user, their `password` already hashed; without one they sign in by link only. Raises LoginTaken."""
    added = await session.scalar(
        insert(User)
        .values(login=_login(login), name=name.strip() or login, password=password, created_at=now)
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if added is None:
        raise LoginTaken(f"there is a user '{_login(login)}' already: reset the password, or choose another login")
    return int(added)


async def list_users(session: ReadSession) -> Sequence[User]:
    """Everybody, by login."""
    return (await session.scalars(select(User).order_by(User.login))).all()


async def disable_user(session: WriteSession, login: str, now: datetime) -> None:
    """End all sessions and links of a user, and let no new ones begin. Raises NoSuchUser."""
    user = await find_user(session, login)
    user.disabled_at = user.disabled_at or now
    await _sign_out_everywhere(session, user.id)


async def reset_user(session: WriteSession, login: str, password: str) -> None:
    """A new password, already hashed; sessions end, a disabled user is let in again. Raises NoSuchUser."""
    user = await find_user(session, login)
    user.password, user.disabled_at = password, None
    await _sign_out_everywhere(session, user.id)


async def one_time_link(session: WriteSession, login: str, public_url: str, now: datetime) -> str:
    """An address that signs this user in once, within a day. Raises NoSuchUser."""
    user = await find_user(session, login)
    token = token_urlsafe(24)
    session.add(SignInLink(digest=digest(token), user_id=user.id, expires_at=now + LINK_LIFE))
    return f"{public_url.rstrip('/')}/console/enter/{token}"


async def find_user(session: ReadSession, login: str) -> User:
    """The user of that login. Raises NoSuchUser."""
    user = await session.scalar(select(User).where(User.login == _login(login)))
    if user is None:
        raise NoSuchUser(f"there is no user '{_login(login)}': `amiable user list` shows them all")
    return user


async def _sign_out_everywhere(session: WriteSession, user: int) -> None:
    await session.execute(delete(UserSession).where(UserSession.user_id == user))
    await session.execute(delete(SignInLink).where(SignInLink.user_id == user))


def _login(login: str) -> str:
    return login.strip().lower()
