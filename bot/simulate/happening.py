"""What the world does in a scenario: replies, payments, bills, disputes, promises, agreements, carriers that fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from engine.contact import ChannelKind
from engine.document import Node
from engine.money import Money
from engine.plan import Verb


@dataclass(frozen=True, slots=True)
class Says:
    """The client writes, or speaks in a call."""

    text: str
    by: ChannelKind


@dataclass(frozen=True, slots=True)
class Taps:
    """The client presses the button of an option."""

    option: str


@dataclass(frozen=True, slots=True)
class Presses:
    """The client presses keys in a call in progress."""

    digits: str


@dataclass(frozen=True, slots=True)
class Pays:
    """A payment, for an account, an invoice, or whatever is due; unconfirmed ones carry the id they settle by."""

    amount: Money
    account: str
    invoice: str
    unconfirmed: bool
    id: str


@dataclass(frozen=True, slots=True)
class Settles:
    """An unconfirmed payment is confirmed, or rejected."""

    id: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Disputes:
    """A charge is contested."""

    invoice: str
    amount: Money
    id: str


@dataclass(frozen=True, slots=True)
class Resolves:
    """A dispute ends; `granted` may be zero."""

    id: str
    granted: Money


@dataclass(frozen=True, slots=True)
class Promises:
    """An operator records a promise."""

    amount: Money
    until: date


@dataclass(frozen=True, slots=True)
class Agrees:
    """An operator records an installment plan."""

    parts: tuple[tuple[date, Money], ...]


@dataclass(frozen=True, slots=True)
class Bills:
    """A new invoice."""

    account: str
    invoice: str
    due: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Credits:
    """A credit memo."""

    invoice: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Refunds:
    """All that was paid on an invoice is taken back: a refund, or a charge-back."""

    invoice: str


@dataclass(frozen=True, slots=True)
class Pauses:
    """An operator pauses the work on the client for so many days."""

    days: int


@dataclass(frozen=True, slots=True)
class Done:
    """The other system has carried out the open order of that kind for an account, and says so."""

    verb: Verb
    account: str


NOBODY_THERE = frozenset({"30004", "30005", "30006"})
"""Errors by which an address is unusable for good, whatever the channel; any other concerns one send."""


class Result(StrEnum):
    """What a carrier makes of a message. The last three are of telephone calls."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Carries:
    """The fate of the next send to the client by a channel; `error` in the words of its carrier, or nothing."""

    channel: ChannelKind
    result: Result
    error: str


Happening = (
    Says
    | Presses
    | Taps
    | Pays
    | Settles
    | Disputes
    | Resolves
    | Promises
    | Agrees
    | Bills
    | Credits
    | Refunds
    | Pauses
    | Done
    | Carries
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a client at a local time, without a zone. `node` is its place in the file."""

    at: datetime
    client: str
    what: Happening
    node: Node
