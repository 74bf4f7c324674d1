"""Questions that wait for an answer: what is to be done when none comes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from engine.store.tables.base import Base
from engine.store.tables.talk import Conversation


class Silence(Base):
    """The next rung of a question's silence ladder, written with the turn that asks and gone once it is done.

    `turn` is the talk's number of that turn: when the talk has another by then, the rung means nothing any more.
    """

    __tablename__ = "silences"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    rung: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)

    conversation: Mapped[Conversation] = relationship(lazy="raise")
