"""Whom we may have to talk to: plan groups, plans, clients, their addresses, accounts and invoices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from engine.contact import ChannelKind
from engine.store.tables.base import Base, Currency, Id, Json, Minor, Sealed, one_of


class PlanGroup(Base):
    """Clients of one group may only be on plans of that group (A3)."""

    __tablename__ = "plan_groups"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)


class PlanVersion(Base):
    """One immutable version of a plan; `terms` is the plan as its file says it. A case stays on its version."""

    __tablename__ = "plans"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("uq_plans_in_force", "name", unique=True, postgresql_where=text("in_force")),
        Index("uq_plans_standard", "group_id", unique=True, postgresql_where=text("in_force and standard")),
    )

    id: Mapped[Id]
    group_id: Mapped[int] = mapped_column(ForeignKey("plan_groups.id"))
    name: Mapped[str]
    version: Mapped[int]
    standard: Mapped[bool]
    in_force: Mapped[bool]
    terms: Mapped[Json]


class Client(Base):
    """A subscriber or an organisation. `plans` empty means the standard plan of the group (A2)."""

    __tablename__ = "clients"

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("plan_groups.id"), index=True)
    plans: Mapped[list[str]] = mapped_column(ARRAY(String), server_default=text("'{}'"), default=list)
    kind: Mapped[str] = mapped_column(server_default="person", default="person")
    name: Mapped[str] = mapped_column(Sealed)
    language: Mapped[str]
    language_chosen: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    timezone: Mapped[str]
    country: Mapped[str | None]


class Address(Base):
    """One way to reach a client. Looked up by `lookup` (a blind index) only, so `sealed` may become a ciphertext."""

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("client_id", "channel", "lookup"),
        Index("ix_addresses_lookup", "lookup", "channel"),
        one_of("channel", ChannelKind),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    channel: Mapped[str]
    sealed: Mapped[str] = mapped_column(Sealed)
    lookup: Mapped[bytes] = mapped_column(LargeBinary)
    dead_since: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]


class Account(Base):
    """One contract of a client with a provider for a service, in one currency."""

    __tablename__ = "accounts"

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    provider: Mapped[str]
    service: Mapped[str]
    currency: Mapped[Currency]
    status: Mapped[str] = mapped_column(server_default="active", default="active")


class Invoice(Base):
    """A bill. `balance` is the sum of its ledger entries, kept by a trigger of `ledger_entries` and by nothing else.

    `wording` is the digest of what a feed last said of all that never changes: by it the import knows the bill again.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        Index(
            "ix_invoices_unpaid",
            "client_id",
            "due",
            postgresql_include=["account_id", "balance"],
            postgresql_where=text("balance > 0"),
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("due >= issued", name="due"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    issued: Mapped[date]
    due: Mapped[date]
    amount: Mapped[Minor]
    balance: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    wording: Mapped[int | None] = mapped_column(BigInteger)
