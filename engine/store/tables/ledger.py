"""Money: payments, the append-only ledger, and the conditional payments that freeze parts of a debt."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.promise import PromiseState
from engine.store.tables.base import Base, Currency, Id, Minor, Moment, Sealed, one_of


class PaymentStatus(StrEnum):
    """An unconfirmed payment freezes its sum; only a confirmed one is in the ledger."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    REJECTED = "rejected"
    REVERSED = "reversed"


class EntryKind(StrEnum):
    """What an entry of the ledger records.

    A `credit` without an invoice is money of the client not yet used; its use is a pair of `credit` entries. Where
    money came by a payment every entry that moves it names that payment. A `refund` takes back what was paid.
    """

    CHARGE = "charge"
    PAYMENT = "payment"
    CREDIT = "credit"
    CREDIT_MEMO = "credit_memo"
    PRIOR = "prior"
    REFUND = "refund"


class PlanOutcome(StrEnum):
    """How an installment plan ended."""

    PAID = "paid"
    CANCELLED = "cancelled"
    REPLACED = "replaced"


class Payment(Base):
    """Money received or announced. `ref` is unique: the same payment reported twice is one payment.

    `rejected_at` is when somebody found that an announced one had not come; nobody did of a claim that another payment
    has settled.
    """

    __tablename__ = "payments"
    __table_args__ = (
        one_of("status", PaymentStatus),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payments_unconfirmed", "client_id", postgresql_where=text(f"status = '{PaymentStatus.UNCONFIRMED}'")),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    currency: Mapped[Currency]
    amount: Mapped[Minor]
    status: Mapped[str]
    paid_at: Mapped[Moment]
    source: Mapped[str]
    rejected_at: Mapped[datetime | None]


class LedgerEntry(Base):
    """One append-only entry: signed minor units that change an invoice's balance, or the client's credit."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        one_of("kind", EntryKind),
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_ledger_entries_credit", "client_id", "currency", postgresql_where=text("invoice_id is null")),
        Index("ix_ledger_entries_paid", "payment_id", postgresql_where=text("payment_id is not null")),
    )

    id: Mapped[Id]
    at: Mapped[Moment]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    currency: Mapped[Currency]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    kind: Mapped[str]
    amount: Mapped[Minor]


class Credit(Base):
    """What a client has paid beyond their invoices, in minor units: kept by the trigger of `ledger_entries` alone."""

    __tablename__ = "credits"
    __table_args__ = (Index("ix_credits_unused", "client_id", postgresql_where=text("amount > 0")),)

    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    amount: Mapped[Minor]


class Dispute(Base):
    """A contested charge: frozen from `opened_at` until resolved; what is granted becomes a credit memo."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_open", "client_id", postgresql_where=text("resolved_at is null")),)

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    currency: Mapped[Currency]
    amount: Mapped[Minor]
    reason: Mapped[str]
    opened_at: Mapped[Moment]
    resolved_at: Mapped[datetime | None]
    granted: Mapped[int | None] = mapped_column(BigInteger)


class Promise(Base):
    """A promise to pay `amount` by the end of the client's day `until`; no channel: an operator recorded it.

    It stays open for `grace` days more; at judgment `threshold` percent of the sum keep it. No promiser: the client
    themselves. `reason` is why it was withdrawn, `replaced_by` the promise that took its place. Once it is kept
    `remits` more are to be cancelled, frozen meanwhile: an amnesty, whose offer lasted until the end of `remits_until`.
    A person settled that at `remitted_at`.
    """

    __tablename__ = "promises"
    __table_args__ = (
        one_of("state", PromiseState),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("grace between 0 and 90", name="grace"),
        CheckConstraint("threshold between 1 and 100", name="threshold"),
        CheckConstraint("remits > 0", name="remits"),
        Index(
            "ix_promises_remitting",
            "client_id",
            postgresql_where=text("remits is not null and remitted_at is null"),
        ),
        Index("ix_promises_open", "client_id", "until", postgresql_where=text(f"state = '{PromiseState.OPEN}'")),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    currency: Mapped[Currency]
    amount: Mapped[Minor]
    until: Mapped[date]
    made_at: Mapped[Moment]
    channel: Mapped[str | None]
    state: Mapped[str]
    judged_at: Mapped[datetime | None]
    grace: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    threshold: Mapped[int] = mapped_column(server_default=text("100"), default=100)
    promiser: Mapped[str | None] = mapped_column(Sealed)
    reason: Mapped[str | None]
    replaced_by: Mapped[int | None] = mapped_column(ForeignKey("promises.id"))
    remits: Mapped[int | None] = mapped_column(BigInteger)
    remits_until: Mapped[date | None]
    remitted_at: Mapped[datetime | None]


class InstallmentRequest(Base):
    """A client's wish to pay in parts. Answered by an operator, or (no `answered_by`) by the policy of their plan."""

    __tablename__ = "installment_requests"
    __table_args__ = (Index("ix_installment_requests_open", "client_id", postgresql_where=text("answered_at is null")),)

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    currency: Mapped[Currency]
    parts: Mapped[int]
    channel: Mapped[str | None]
    requested_at: Mapped[Moment]
    answered_at: Mapped[datetime | None]
    granted: Mapped[bool | None]
    reason: Mapped[str | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("installment_plans.id"))


class InstallmentPlan(Base):
    """An agreed schedule. It freezes what is not yet due; a missed part becomes collectable the day after."""

    __tablename__ = "installment_plans"
    __table_args__ = (one_of("outcome", PlanOutcome),)

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    currency: Mapped[Currency]
    agreed_at: Mapped[Moment]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]


class Installment(Base):
    """One part of an installment plan: `amount` of the debt itself; `interest` and `fee` are agreed beside it."""

    __tablename__ = "installments"
    __table_args__ = (
        UniqueConstraint("plan_id", "no"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("interest >= 0", name="interest"),
        CheckConstraint("fee >= 0", name="fee"),
    )

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("installment_plans.id"))
    no: Mapped[int]
    due: Mapped[date]
    amount: Mapped[Minor]
    interest: Mapped[Minor] = mapped_column(server_default=text("0"), default=0)
    fee: Mapped[Minor] = mapped_column(server_default=text("0"), default=0)


class Appropriation(Base):
    """The part of a confirmed payment that fulfils a promise or an installment. One payment is never counted twice.

    What is taken back of the payment is a row of its own, below zero.
    """

    __tablename__ = "appropriations"
    __table_args__ = (
        CheckConstraint("num_nonnulls(promise_id, installment_id) = 1", name="one_target"),
        CheckConstraint("amount <> 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promises.id"), index=True)
    installment_id: Mapped[int | None] = mapped_column(ForeignKey("installments.id"), index=True)
    amount: Mapped[Minor]
