"""What the forms of a client's page offer to choose from: pairs of a value and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from bot.console.dossier import Spared
from bot.console.positions import Position
from bot.console.shown import NO_BREAK, shown_day, words
from bot.console.stages import Step
from engine.money import Money
from engine.store.tables.casework import DunningPause
from engine.store.tables.ledger import Promise

Options = Sequence[tuple[str | int, str]]


def stages(steps: Iterable[Step]) -> Options:
    """Stages by name, each with what entering it sets going."""
    return [(step.name, step.does) for step in steps]


def named(names: Iterable[str]) -> Options:
    """Names of the code, in words."""
    return [(name, words(name)) for name in names]


def owed(position: Position, client: str) -> Options:
    """What can be exempted: everything of the client, an account, an invoice."""
    found: list[tuple[str | int, str]] = [("all", f"everything of {client}, what falls due later too")]
    for account in position.accounts:
        what = f"account {account.ref}" + (f", {account.service}" if account.service else "")
        found.append((f"account-{account.id}", f"{what}: {_sum(account.real)}"))
        found += [(f"invoice-{bill.id}", f"invoice {bill.ref}: {_sum(bill.balance)}") for bill in account.bills]
    return found


def spared(exemptions: Iterable[Spared], today: date) -> Options:
    """Exemptions in force."""
    return [
        (one.id, f"{one.of}{f' through {shown_day(one.until, today)}' if one.until else ''}: {one.reason}")
        for one in exemptions
    ]


def paused(pauses: Iterable[DunningPause], today: date) -> Options:
    """Pauses that run."""
    return [(one.id, f"until {shown_day(one.ends, today)}: {one.reason}") for one in pauses]


def promised(promises: Iterable[Promise], today: date) -> Options:
    """Promises still open."""
    return [
        (one.id, f"{_sum(Money(one.amount, one.currency))} by {shown_day(one.until, today)}")
        for one in promises
        if one.state == "open"
    ]


def _sum(amount: Money) -> str:
    return f"{amount.major:,}{NO_BREAK}{amount.currency}"
