"""What must follow in a scenario. Each expectation is about one client and one day, or a span of days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.simulate.amounts import amount_of
from engine.contact import ChannelKind
from engine.document import Node
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
PLAN_STATES = ("case", "stage", "cycle", "real_debt", "conditional_debt", "days_past_due", "delinquent_days")
CLIENT_STATES = ("promise", "amount", "until", "installment_request", "escalated", "opted_out", "language")
DEEDS = ("sent", "did", "task", "received")
KEYS = (*("sent", "script", "did", "account", "task", "received", "by"), *PLAN_STATES, *CLIENT_STATES)
OF_A_PLAN = (*PLAN_STATES, "sent", "did", "task")
WORDS: dict[str, type[StrEnum]] = {
    "sent": ChannelKind,
    "by": ChannelKind,
    "opted_out": ChannelKind,
    "did": Verb,
    "task": TaskKind,
    "promise": PromiseState,
    "case": CaseWord,
}
BESIDE = {"script": "sent", "account": "did", "by": "received", "amount": "promise", "until": "promise"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """Wanted values by key, as text; sums are exact decimals in major units. `first` and `last` are local days.

    Without a `plan` whatever is wanted of a plan may be so by any of the client's, all of it by the same one.
    """

    line: int
    client: str
    first: date
    last: date
    wants: dict[str, str]
    plan: str = ""

    @property
    def asks_how_they_stand(self) -> bool:
        """Whether a state is wanted, which is looked at when its day ends."""
        return bool(self.wants.keys() & {*PLAN_STATES, *CLIENT_STATES})

    def __str__(self) -> str:
        days = f"on {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        whose = f"{self.client} by the plan {self.plan}" if self.plan else self.client
        return f"{days}, {whose}: " + ", ".join(f"{key} {value}" for key, value in self.wants.items())


def read_expectation(node: Node, clients: Collection[str], currency: str) -> Expectation:
    """Read one expectation. Raises DocumentError."""
    keys = node.mapping(("client",), (*WHEN, *KEYS, "plan"))
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
    if first != last and not wants.keys() & set(DEEDS):
        raise node.wrong("a span of days goes with sent, did, task or received; a state is asked for 'on' one day")
    if "plan" not in keys:
        return Expectation(node.line, client, first, last, wants)
    if not wants.keys() & set(OF_A_PLAN):
        raise keys["plan"].wrong(f"'plan' goes with: {', '.join(OF_A_PLAN)}")
    return Expectation(node.line, client, first, last, wants, keys["plan"].text())


def _days(node: Node, keys: dict[str, Node]) -> tuple[date, date]:
    if "on" in keys:
        if "from" in keys or "to" in keys:
            raise node.wrong("use either 'on' or 'from' and 'to'")
        return keys["on"].day(), keys["on"].day()
    if "from" not in keys or "to" not in keys:
        raise node.wrong("say when: 'on' a day, or 'from' a day 'to' a day")
    first, last = keys["from"].day(), keys["to"].day()
    if last < first:
        raise keys["to"].wrong("'to' is before 'from'; swap the two")
    return first, last


def _value(key: str, node: Node, currency: str) -> str:
    if node.value == NOTHING and key in ("sent", "did"):
        return NOTHING
    if key in WORDS:
        return str(node.word(WORDS[key]))
    if key in ("real_debt", "conditional_debt", "amount"):
        return str(amount_of(node, currency, least=0).major)
    if key in ("cycle", "days_past_due", "delinquent_days", "installment_request"):
        return str(node.whole())
    if key == "until":
        return node.day().isoformat()
    if key == "escalated":
        return str(node.flag()).lower()
    return node.text()
