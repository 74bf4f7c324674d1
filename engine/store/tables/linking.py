"""Invitations to other channels: one-time links that join a chat to a client."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.base import Base, Id, Moment


class TelegramLink(Base):
    """A deep link that joins the chat it is first opened in to a client. Only SHA-256 of its token is kept."""

    __tablename__ = "telegram_links"

    id: Mapped[Id]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None]
