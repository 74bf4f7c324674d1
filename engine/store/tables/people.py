"""Those who work with the console: users, their sessions and drafts, and which of them speaks in a conversation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.base import Base, Id, Moment, Sealed


class User(Base):
    """Who may sign in. `login` is kept in lower case; without `password` (argon2id) only a link signs in."""

    __tablename__ = "users"

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password: Mapped[str | None]
    created_at: Mapped[Moment]
    disabled_at: Mapped[datetime | None]


class UserSession(Base):
    """One signed-in browser. Only SHA-256 of its token is kept; ending a session is deleting its row."""

    __tablename__ = "user_sessions"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="cascade"), index=True)
    started_at: Mapped[Moment]
    seen_at: Mapped[Moment]


class SignInLink(Base):
    """A link that signs in once, until `expires_at`. Only SHA-256 of its token is kept."""

    __tablename__ = "sign_in_links"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="cascade"), index=True)
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None]


class Custody(Base):
    """Who holds a conversation that people have spoken in. `epoch` rises with each change of hands.

    Whether a person holds it at all is `conversations.owner`; this says which one, and settles races.
    """

    __tablename__ = "custody"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    epoch: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    since: Mapped[Moment]


class Draft(Base):
    """A reply somebody has begun to write: kept here, so that it outlives the tab and the browser."""

    __tablename__ = "drafts"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="cascade"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    words: Mapped[str] = mapped_column(Sealed)
    saved_at: Mapped[Moment]
