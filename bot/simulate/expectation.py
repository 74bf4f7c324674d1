"""What must follow in a scenario. Each expectation is about one client and one day, or a span of days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from engine.contact import ChannelKind
from engine.document import Node
from engine.money import BadAmount, money
from engine.plan import TaskKind, Verb
from engine.promise import PromiseState

NOTHING = "nothing"


class CaseWord(StrEnum):
    """What an expectation may say of a case."""

    NONE = "none"
    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


WHEN = ("on", "from", "to", "client")
KEYS = (
    *("sent", "script", "did", "account", "task", "received", "by"),
    *("case", "stage", "cycle", "real_debt", "conditional_debt", "days_past_due"),
    *("promise", "amount", "until", "installment_request", "escalated", "opted_out", "language"),
)
LATER = ("delinquent_days", "plan")
CHECKED_AGAINST_THE_DAYS = ("sent", "did", "task", "received")
WORDS: dict[str, type[StrEnum]] = {
    "sent": ChannelKind,
    "by": ChannelKind,
    "opted_out": ChannelKind,
    "did": Verb,
    "task": TaskKind,
    "promise": PromiseState,
    "case": CaseWord,
}
BESIDE = {"script": "sent", "account": "did", "amount": "promise", "until": "promise"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """Wanted values by key, as text; sums are exact decimals in major units. `first` and `last` are local days."""

    line: int
    client: str
    first: date
    last: date
    wants: dict[str, str]

    def __str__(self) -> str:
        days = f"on {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        return f"{days}, {self.client}: " + ", ".join(f"{key} {value}" for key, value in self.wants.items())


def read_expectation(node: Node, clients: Collection[str], currency: str) -> Expectation:
    """Read one expectation. Raises DocumentError."""
    keys = node.mapping(("client",), (*WHEN, *KEYS), LATER)
    client = keys["client"].text()
    if client not in clients:
        raise keys["client"].wrong(f"there is no client '{client}'")
    first, last = _days(node, keys)
    wants = {key: _value(key, keys[key], currency) for key in KEYS if key in keys}
    if not wants:
        raise node.wrong(f"say what is expected: one of {', '.join(KEYS)}")
    for key, needed in BESIDE.items():
        if key in wants and needed not in wants:
            raise keys[key].wrong(f"'{key}' needs '{needed}'")
    if first != last and not wants.keys() & set(CHECKED_AGAINST_THE_DAYS):
        raise node.wrong("a span of days goes with sent, did, task or received; a state is asked for 'on' one day")
    return Expectation(node.line, client, first, last, wants)


def _days(node: Node, keys: dict[str, Node]) -> tuple[date, date]:
    if "on" in keys:
        if "from" in keys or "to" in keys:
            raise node.wrong("use either 'on' or 'from' and 'to'")
        return keys["on"].day(), keys["on"].day()
    if "from" not in keys or "to" not in keys:
        raise node.wrong("say when: 'on' a day, or 'from' a day 'to' a day")
    first, last = keys["from"].day(), keys["to"].day()
    if last < first:
        raise keys["to"].wrong("'to' is before 'from'")
    return first, last


def _value(key: str, node: Node, currency: str) -> str:
    if node.value == NOTHING and key in ("sent", "did"):
        return NOTHING
    if key in WORDS:
        return str(node.word(WORDS[key]))
    if key in ("real_debt", "conditional_debt", "amount"):
        return _sum(node, currency)
    if key in ("cycle", "days_past_due", "installment_request"):
        return str(node.whole())
    if key == "until":
        return node.day().isoformat()
    if key == "escalated":
        return str(node.flag()).lower()
    return node.text()


def _sum(node: Node, currency: str) -> str:
    try:
        return str(money(node.text(), currency).major)
    except BadAmount as error:
        raise node.wrong(str(error)) from error
