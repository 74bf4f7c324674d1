"""The work on a debt: cases, the contacts they decide, orders to other systems, tasks for people, and their history."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.base import Base, Currency, Id, Json, Moment, one_of


class ContactState(StrEnum):
    """A contact is opened as a conversation in its hour; `superseded`: the debt no longer warrants it."""

    PLANNED = "planned"
    OPENED = "opened"
    SUPERSEDED = "superseded"
    UNREACHABLE = "unreachable"


class Case(Base):
    """One work cycle of a client on a plan and in a currency. `stage` counts from 0 in plan order; -1 is none yet.

    Whether it is open or suspended is arithmetic over the debt (engine/debt.py), never a column; `told` only
    remembers which of the two the history was last told.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("client_id", "plan_name", "currency", "cycle"),
        Index(
            "uq_cases_running",
            "client_id",
            "plan_name",
            "currency",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    plan_name: Mapped[str]
    currency: Mapped[Currency]
    cycle: Mapped[int]
    stage: Mapped[int]
    started_on: Mapped[date]
    stage_entered_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    told: Mapped[str]


class Contact(Base):
    """One intended approach of a stage. The unique key is what makes a second planner harmless."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("case_id", "stage", "action", "touch"),
        one_of("state", ContactState),
        Index("ix_contacts_planned", "send_from", postgresql_where=text(f"state = '{ContactState.PLANNED}'")),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    stage: Mapped[int]
    action: Mapped[int]
    touch: Mapped[int]
    script: Mapped[str]
    channels: Mapped[list[str]] = mapped_column(ARRAY(String))
    tried: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    state: Mapped[str]
    planned_at: Mapped[Moment]
    send_from: Mapped[Moment]
    send_until: Mapped[Moment]


class ServiceOrder(Base):
    """An order to another system: suspend or restore a service, set a status. Once per account, stage and cycle."""

    __tablename__ = "service_orders"
    __table_args__ = (UniqueConstraint("case_id", "stage", "verb", "account_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    stage: Mapped[int]
    verb: Mapped[str]
    ordered_at: Mapped[Moment]


class Task(Base):
    """Work for a person, in a work list. `source` makes the same cause ask only once."""

    __tablename__ = "tasks"

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    done_at: Mapped[datetime | None]


class CaseEvent(Base):
    """One line of a client's history as a debtor (A12). Append-only."""

    __tablename__ = "case_events"

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[Moment]
    kind: Mapped[str]
    detail: Mapped[Json]


class DailyRun(Base):
    """A job's work of one day, done once: the key is the claim."""

    __tablename__ = "daily_runs"

    job: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    done_at: Mapped[Moment]
