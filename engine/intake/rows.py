"""What a feed says, row by row: whom we serve, their accounts, what they were billed and what they paid.

In every row None means that the feed does not say, and what is stored stays; an empty text means that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from engine.money import Money
from engine.store.tables.ledger import PaymentStatus


class Kind(StrEnum):
    """What the rows of one file are."""

    CLIENTS = "clients"
    ACCOUNTS = "accounts"
    INVOICES = "invoices"
    PAYMENTS = "payments"


class ClientKind(StrEnum):
    """A natural person or a legal one."""

    PERSON = "person"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """A client. No plans means the standard plan of the group. Addresses are as `addresses.normal` gives them."""

    client: str
    group: str
    kind: ClientKind | None = None
    name: str
    language: str
    timezone: str
    country: str | None = None
    plans: tuple[str, ...] | None = None
    email: str | None = None
    sms: str | None = None
    voice: str | None = None
    telegram: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account. Its client and its currency are for ever."""

    account: str
    client: str
    provider: str
    service: str
    currency: str
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRow:
    """An invoice. Without a balance a new one is unpaid, and one that is known keeps its own.

    `wording` is the digest of what a file said of it, by which the same is recognised in the next file.
    """

    invoice: str
    account: str
    issued: date
    due: date
    amount: Money
    balance: Money | None = None
    wording: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment for an invoice, else for an account, else for a client; the narrowest that is named counts."""

    payment: str
    client: str | None = None
    account: str | None = None
    invoice: str | None = None
    paid_at: datetime
    amount: Money
    status: PaymentStatus = PaymentStatus.CONFIRMED


Row = ClientRow | AccountRow | InvoiceRow | PaymentRow


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a file of one kind must and may have. The first required one identifies the row."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def key(self) -> str:
        """The column that identifies a row."""
        return self.required[0]


COLUMNS = {
    Kind.CLIENTS: Columns(
        ("client", "group", "name", "language", "timezone"),
        ("kind", "country", "plan", "email", "sms", "voice", "telegram"),
    ),
    Kind.ACCOUNTS: Columns(("account", "client", "provider", "service", "currency"), ("status",)),
    Kind.INVOICES: Columns(("invoice", "account", "issued", "due", "amount"), ("balance", "currency")),
    Kind.PAYMENTS: Columns(("payment", "paid_at", "amount"), ("client", "account", "invoice", "currency", "status")),
}


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """What is wrong with one cell; `column` is empty where the whole row is."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.column}: {self.reason}" if self.column else self.reason
