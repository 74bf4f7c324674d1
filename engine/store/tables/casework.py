"""The work on a debt: cases, the contacts they decide, orders to other systems, tasks for people, and their history."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.decision import Ending
from engine.store.tables.base import Base, Currency, Id, Json, Moment, one_of
from engine.store.tables.people import User


class Occasion(StrEnum):
    """What a contact is about: a stage of a case, a step a person added, a courtesy round what falls due, or news of
    what has happened (`engine.plan.Notice`)."""

    STAGE = "stage"
    ADDED = "added"
    BEFORE_DUE = "before_due"
    PROMISE_BEFORE = "promise_before"
    PROMISE_BROKEN = "promise_broken"
    INSTALLMENT_BEFORE = "installment_before"
    INSTALLMENT_MISSED = "installment_missed"
    SERVICE_RESTORED = "service_restored"
    PROMISE_KEPT = "promise_kept"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_ANSWERED = "dispute_answered"
    PAYMENT_UNCLEAR = "payment_unclear"


class ContactState(StrEnum):
    """A contact is opened as a conversation in its hour; `superseded`: the debt no longer warrants it."""

    PLANNED = "planned"
    OPENED = "opened"
    SUPERSEDED = "superseded"
    UNREACHABLE = "unreachable"


class OrderOutcome(StrEnum):
    """What the other system made of an order."""

    DONE = "done"
    REFUSED = "refused"


class TaskResult(StrEnum):
    """How a task ended (B4)."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    LEFT_MESSAGE = "left_message"
    PROMISED = "promised"
    REFUSED_TO_PAY = "refused_to_pay"
    WRONG_NUMBER = "wrong_number"
    OTHER = "other"


class Case(Base):
    """One work cycle of a client on a plan and in a currency. `stage` counts from 0 in plan order; -1 is none yet.

    Whether it is open or suspended is arithmetic over the debt (engine/debt.py), never a column; `told` only
    remembers which of the two the history was last told. `entered` are the stages entered in this cycle. `closed_on`
    is the client's day; a case that ended as worked leaves the invoices due by then alone for good (A5).
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
        one_of("ending", Ending),
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
    entered: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"), default=list)
    closed_at: Mapped[datetime | None]
    closed_on: Mapped[date | None]
    ending: Mapped[str | None]
    told: Mapped[str]


class Contact(Base):
    """One intended approach. The unique keys are what makes a second planner harmless.

    A contact of a stage has its case; any other has its own `source`, such as 'promise:12:before', and may do
    without a case.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("case_id", "stage", "action", "touch"),
        CheckConstraint("num_nonnulls(case_id, source) >= 1", name="cause"),
        one_of("state", ContactState),
        one_of("occasion", Occasion),
        Index("ix_contacts_planned", "send_from", postgresql_where=text(f"state = '{ContactState.PLANNED}'")),
    )

    id: Mapped[Id]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    currency: Mapped[Currency]
    occasion: Mapped[str]
    source: Mapped[str | None] = mapped_column(unique=True)
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promises.id"))
    installment_id: Mapped[int | None] = mapped_column(ForeignKey("installments.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("service_orders.id"))
    dispute_id: Mapped[int | None] = mapped_column(ForeignKey("disputes.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
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
    """An order to another system: suspend or restore a service, set a status. Once per account, stage and cycle.

    Open until that system acknowledges it; `reference` is its own name for what it did.
    """

    __tablename__ = "service_orders"
    __table_args__ = (
        UniqueConstraint("case_id", "stage", "verb", "account_id", postgresql_nulls_not_distinct=True),
        one_of("outcome", OrderOutcome),
        CheckConstraint("(acknowledged_at is null) = (outcome is null)", name="acknowledged"),
        Index("ix_service_orders_open", "id", postgresql_where=text("acknowledged_at is null")),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    stage: Mapped[int]
    verb: Mapped[str]
    ordered_at: Mapped[Moment]
    acknowledged_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reference: Mapped[str | None]
    note: Mapped[str | None]


class Task(Base):
    """Work for a person, in a work list. `source` makes the same cause ask only once.

    `due_on` is the client's own day before which nothing is to be done; `person` is whom the operator reached.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        one_of("result", TaskResult),
        Index("ix_tasks_open", "created_at", "id", postgresql_where=text("done_at is null")),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    due_on: Mapped[date | None]
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    assigned_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    result: Mapped[str | None]
    person: Mapped[str | None]
    late_reason: Mapped[str | None]
    note: Mapped[str | None]


class DunningPause(Base):
    """No stage is entered and the engine starts no contact from the client's day `starts` until `ends`, excluded."""

    __tablename__ = "dunning_pauses"
    __table_args__ = (CheckConstraint("ends >= starts and ends <= starts + 366", name="ends"),)

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    starts: Mapped[date]
    ends: Mapped[date]
    reason: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[Moment]


class Exemption(Base):
    """A person's hold on an invoice, an account, or with neither named all of a client; until a day, or until ended."""

    __tablename__ = "exemptions"
    __table_args__ = (Index("ix_exemptions_in_force", "client_id", postgresql_where=text("ended_at is null")),)

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    until: Mapped[date | None]
    reason: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[Moment]
    ended_at: Mapped[datetime | None]


class DeferralRow(Base):
    """A stage of a case that a person skips, or holds back until a day of the client's (B12)."""

    __tablename__ = "deferrals"
    __table_args__ = (Index("ix_deferrals_in_force", "case_id", postgresql_where=text("ended_at is null")),)

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    stage: Mapped[int]
    until: Mapped[date | None]
    reason: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[Moment]
    ended_at: Mapped[datetime | None]


class DecisionRow(Base):
    """One line of the decision log: what was decided from which facts, and what a further step waited for.

    A line is written when a decision changes something or its `key` is another than before, so the latest line up to
    a day is the answer for that day. Append-only.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_latest", "client_id", "plan_name", "currency", "id", postgresql_include=["key"]),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    plan_name: Mapped[str]
    currency: Mapped[Currency]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    day: Mapped[date]
    at: Mapped[Moment]
    key: Mapped[str]
    says: Mapped[Json]
    inputs: Mapped[Json]


class CaseEvent(Base):
    """One line of a client's history as a debtor (A12). Append-only.

    Lines of the kind `consent` are the ledger of consent; the view `consents` shows them in columns.
    """

    __tablename__ = "case_events"

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[Moment]
    kind: Mapped[str]
    detail: Mapped[Json]
