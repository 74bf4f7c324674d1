"""The engine's own running: the ledger of its runs, who holds which work, and the feed of what has changed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.base import Base, Json, Moment


class DailyRun(Base):
    """A job's work of one day, done once: the key is the claim."""

    __tablename__ = "daily_runs"

    job: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    done_at: Mapped[Moment]


class RunSlice(Base):
    """Clients that a day's run is done with, from the slice before through this id.

    `longest` is the longest of its transactions in seconds.
    """

    __tablename__ = "run_slices"

    job: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    through: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    clients: Mapped[int]
    changes: Mapped[Json]
    batches: Mapped[int]
    longest: Mapped[float]
    done_at: Mapped[datetime]


class LeaseRow(Base):
    """Who holds a kind of work until when, on the database's clock; `epoch` counts the holds."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[Moment]


def _marks(name: str) -> Table:
    return Table(
        name,
        Base.metadata,
        Column("client_id", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint")),
        Index(f"ix_{name}_client_id", "client_id"),
    )


CHANGED_CLIENTS = _marks("changed_clients")
"""Marks of clients whose facts have changed; `at` is the id of the transaction that changed them. No key: see feed."""

SETTLED_MARKS = _marks("settled_marks")
"""Who has been decided for lately; `at` is the id of the transaction that did, or whose change a full run has seen."""


class Rest(Base):
    """A client who need not be looked at before a day of theirs, as far as the snapshot and plan versions tell.

    `written_by` is the transaction that decided so: what it settled itself is no news.
    """

    __tablename__ = "rests"
    __table_args__ = {"postgresql_with": {"fillfactor": 70}}  # noqa: RUF012 - SQLAlchemy's own declaration

    client_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    until: Mapped[date]
    snapshot: Mapped[str]
    newest_plan: Mapped[int] = mapped_column(BigInteger)
    written_by: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
