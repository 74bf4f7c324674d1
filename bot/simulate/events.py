"""Reading the events of a scenario: what happens, to whom, and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from bot.simulate.amounts import amount_of
from bot.simulate.happening import (
    NOBODY_THERE,
    Agrees,
    Bills,
    Carries,
    Credits,
    Disputes,
    Done,
    Event,
    Happening,
    Pauses,
    Pays,
    Presses,
    Promises,
    Refunds,
    Resolves,
    Result,
    Says,
    Settles,
    Taps,
)
from engine.agreements.pauses import LONGEST
from engine.contact import ChannelKind
from engine.document import Node
from engine.plan import Verb

KEYPAD = frozenset("0123456789*#")


BESIDE = ("by", "account", "invoice", "unconfirmed", "id", "granted")
OF_CALLS = frozenset({Result.NO_ANSWER, Result.BUSY, Result.MACHINE})
NOBODY = "|".join(sorted(NOBODY_THERE))
ERRORS = {
    ChannelKind.SMS: (r"\d{5}", "one of Twilio's, such as 30005"),
    ChannelKind.EMAIL: (rf"{NOBODY}|\d{{3}}|\d\.\d{{1,3}}\.\d{{1,3}}", "one of SMTP, such as 550 or 5.2.2"),
    ChannelKind.TELEGRAM: (rf"{NOBODY}|400|403", "400, or 403 where the bot is blocked"),
    ChannelKind.VOICE: (
        rf"{'|'.join(sorted(OF_CALLS))}|\d{{5}}|\d{{3}}",
        "busy, or one of SIP, such as 486",
    ),
}
"""How the errors of each channel are written, and what to say where one is not."""

Read = tuple[Happening, tuple[str, ...]]


def read_event(node: Node, clients: Collection[str], currency: str) -> Event:
    """Read one event. Raises DocumentError."""
    keys = node.mapping(("at", "client"), (*READERS, *BESIDE))
    client = keys["client"].text()
    if client not in clients:
        raise keys["client"].wrong(f"there is no client '{client}'")
    said = [key for key in READERS if key in keys]
    if len(said) != 1:
        raise node.wrong(f"an event has exactly one of: {', '.join(READERS)}")
    what, allowed = READERS[said[0]](keys, keys[said[0]], currency)
    for key in BESIDE:
        if key in keys and key not in allowed:
            raise keys[key].wrong(f"'{key}' does not go with '{said[0]}'")
    return Event(keys["at"].moment(), client, what, node)


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


def _refunds(_keys: dict[str, Node], node: Node, _currency: str) -> Read:
    return Refunds(node.text()), ()


def _pauses(_keys: dict[str, Node], node: Node, _currency: str) -> Read:
    days = node.whole()
    if not 1 <= days <= LONGEST:
        raise node.wrong(f"a pause lasts 1 to {LONGEST} days, not {days}")
    return Pauses(days), ()


def _done(keys: dict[str, Node], node: Node, _currency: str) -> Read:
    if "account" not in keys:
        raise node.wrong("'done' needs 'account', the account of the order")
    return Done(node.word(Verb), keys["account"].text()), ("account",)


def _carries(_keys: dict[str, Node], node: Node, _currency: str) -> Read:
    inner = node.mapping(("channel", "result"), ("error",))
    channel, result = inner["channel"].word(ChannelKind), inner["result"].word(Result)
    if result in OF_CALLS and channel is not ChannelKind.VOICE:
        raise inner["result"].wrong(f"'{result}' is of calls; by {channel}: delivered, undelivered or failed")
    if "error" not in inner:
        return Carries(channel, result, ""), ()
    if result is Result.DELIVERED:
        raise inner["error"].wrong("what is delivered has no error")
    written, remedy = ERRORS[channel]
    if not re.fullmatch(written, inner["error"].text()):
        raise inner["error"].wrong(f"'{inner['error'].value}' is no error of {channel}: write {remedy}")
    return Carries(channel, result, inner["error"].text()), ()


READERS: dict[str, Callable[[dict[str, Node], Node, str], Read]] = {
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
    "refunds": _refunds,
    "pauses": _pauses,
    "done": _done,
    "carrier": _carries,
}


def _text(keys: dict[str, Node], key: str) -> str:
    return keys[key].text() if key in keys else ""
