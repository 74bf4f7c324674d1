"""What the world does in a scenario: replies, payments, bills, disputes, promises, agreements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from engine.contact import ChannelKind
from engine.document import Node
from engine.money import BadAmount, Money, money

KEYPAD = frozenset("0123456789*#")


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


Happening = Says | Presses | Taps | Pays | Settles | Disputes | Resolves | Promises | Agrees | Bills | Credits


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a client at a local time, without a zone. `node` is its place in the file."""

    at: datetime
    client: str
    what: Happening
    node: Node


EVENT_KEYS = (
    "says",
    "taps",
    "presses",
    "pays",
    "confirms",
    "rejects",
    "disputes",
    "resolves",
    "promises",
    "installments",
    "bills",
    "credits",
)
EVENTS_LATER = ("refunds", "pauses", "carrier")


def read_event(node: Node, clients: Collection[str], currency: str) -> Event:
    """Read one event. Raises DocumentError."""
    beside = ("by", "account", "invoice", "unconfirmed", "id", "granted")
    keys = node.mapping(("at", "client"), (*EVENT_KEYS, *beside), EVENTS_LATER)
    client = keys["client"].text()
    if client not in clients:
        raise keys["client"].wrong(f"there is no client '{client}'")
    said = [key for key in EVENT_KEYS if key in keys]
    if len(said) != 1:
        raise node.wrong(f"an event has exactly one of: {', '.join(EVENT_KEYS)}")
    what, allowed = READERS[said[0]](keys, keys[said[0]], currency)
    for key in beside:
        if key in keys and key not in allowed:
            raise keys[key].wrong(f"'{key}' does not go with '{said[0]}'")
    return Event(keys["at"].moment(), client, what, node)


Read = tuple[Happening, tuple[str, ...]]


def _says(keys: dict[str, Node], node: Node, _currency: str) -> Read:
    if "by" not in keys:
        raise node.wrong("'says' needs 'by', the channel")
    return Says(node.text(), keys["by"].word(ChannelKind)), ("by",)


def _presses(keys: dict[str, Node], node: Node, _currency: str) -> Read:
    if "by" not in keys or keys["by"].word(ChannelKind) is not ChannelKind.VOICE:
        raise node.wrong("'presses' needs 'by: voice', the channel with keys")
    digits = node.text()
    if not digits or not KEYPAD.issuperset(digits):
        raise node.wrong(f"'{digits}' cannot be pressed: use the digits, * and #")
    return Presses(digits), ("by",)


def _taps(keys: dict[str, Node], node: Node, _currency: str) -> Read:
    if "by" not in keys or keys["by"].word(ChannelKind) is not ChannelKind.TELEGRAM:
        raise node.wrong("'taps' needs 'by: telegram', the channel with buttons")
    return Taps(node.text()), ("by",)


def _pays(keys: dict[str, Node], node: Node, currency: str) -> Read:
    unconfirmed = "unconfirmed" in keys and keys["unconfirmed"].flag()
    if unconfirmed and "id" not in keys:
        raise node.wrong("an unconfirmed payment needs an 'id' to be confirmed or rejected by")
    pays = Pays(
        amount_of(node, currency), _text(keys, "account"), _text(keys, "invoice"), unconfirmed, _text(keys, "id")
    )
    return pays, ("account", "invoice", "unconfirmed", "id")


def _confirms(_keys: dict[str, Node], node: Node, _currency: str) -> Read:
    return Settles(node.text(), confirmed=True), ()


def _rejects(_keys: dict[str, Node], node: Node, _currency: str) -> Read:
    return Settles(node.text(), confirmed=False), ()


def _disputes(keys: dict[str, Node], node: Node, currency: str) -> Read:
    inner = node.mapping(("invoice", "amount"))
    if "id" not in keys:
        raise node.wrong("a dispute needs an 'id' to be resolved by")
    return Disputes(inner["invoice"].text(), amount_of(inner["amount"], currency), keys["id"].text()), ("id",)


def _resolves(keys: dict[str, Node], node: Node, currency: str) -> Read:
    if "granted" not in keys:
        raise node.wrong("'resolves' needs 'granted', the sum allowed; 0 refuses the dispute")
    return Resolves(node.text(), amount_of(keys["granted"], currency, least=0)), ("granted",)


def _promises(_keys: dict[str, Node], node: Node, currency: str) -> Read:
    inner = node.mapping(("amount", "until"))
    return Promises(amount_of(inner["amount"], currency), inner["until"].day()), ()


def _agrees(_keys: dict[str, Node], node: Node, currency: str) -> Read:
    parts = [part.mapping(("due", "amount")) for part in node.items()]
    if not parts:
        raise node.wrong("an installment plan needs at least one part")
    return Agrees(tuple((part["due"].day(), amount_of(part["amount"], currency)) for part in parts)), ()


def _bills(_keys: dict[str, Node], node: Node, currency: str) -> Read:
    inner = node.mapping(("account", "invoice", "due", "amount"))
    bill = Bills(
        inner["account"].text(), inner["invoice"].text(), inner["due"].day(), amount_of(inner["amount"], currency)
    )
    return bill, ()


def _credits(_keys: dict[str, Node], node: Node, currency: str) -> Read:
    inner = node.mapping(("invoice", "amount"))
    return Credits(inner["invoice"].text(), amount_of(inner["amount"], currency)), ()


READERS = {
    "says": _says,
    "taps": _taps,
    "presses": _presses,
    "pays": _pays,
    "confirms": _confirms,
    "rejects": _rejects,
    "disputes": _disputes,
    "resolves": _resolves,
    "promises": _promises,
    "installments": _agrees,
    "bills": _bills,
    "credits": _credits,
}


def _text(keys: dict[str, Node], key: str) -> str:
    return keys[key].text() if key in keys else ""


def amount_of(node: Node, currency: str, least: int = 1) -> Money:
    """An amount of at least so many minor units. Raises DocumentError."""
    try:
        amount = money(node.text(), currency)
    except BadAmount as error:
        raise node.wrong(str(error)) from error
    if amount.minor < least:
        raise node.wrong("the amount must be above zero" if least else "the amount cannot be negative")
    return amount
