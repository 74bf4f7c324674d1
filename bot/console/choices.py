"""What the forms of a client's page offer to choose from: pairs of a value and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from bot.console.books import Agreed, Booked, Books
from bot.console.dossier import Spared
from bot.console.positions import Position
from bot.console.shown import NO_BREAK, shown_day, words
from bot.console.stages import Step
from engine.money import Money
from engine.store.tables.casework import DunningPause
from engine.store.tables.ledger import Dispute, Payment, Promise

Options = Sequence[tuple[str | int, str]]
ALL_DUE = "all"
"""Of a choice of invoices: none of them by itself."""


def stages(steps: Iterable[Step]) -> Options:
    """Stages by name, each with what entering it sets going."""
    return [(step.name, step.does) for step in steps]


def named(names: Iterable[str]) -> Options:
    """Names of the code, in words."""
    return [(name, words(name)) for name in names]


def remitting(promises: Iterable[Promise]) -> Options:
    """Amnesties whose part has come, and what is still to be cancelled of each."""
    return [
        (one.id, f"{_sum(Money(one.remits, one.currency))}, as {_sum(Money(one.amount, one.currency))} has come")
        for one in promises
        if one.remits and one.state == "kept" and one.remitted_at is None
    ]


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


def disputed(disputes: Iterable[Dispute]) -> Options:
    """Disputes still open."""
    return [(one.id, f"{_sum(Money(one.amount, one.currency))}: {one.reason}") for one in disputes]


def contestable(invoices: Iterable[Booked]) -> Options:
    """What a dispute can be about: the debt as a whole, or an invoice on which something is unpaid."""
    unpaid = [(one.id, f"invoice {one.ref}: {_sum(one.balance)} unpaid") for one in invoices if one.balance]
    return [(ALL_DUE, "what is due, oldest first"), *unpaid]


def claimed(claims: Iterable[Payment], today: date) -> Options:
    """Payments that only the client has told of."""
    return [
        (one.id, f"{_sum(Money(one.amount, one.currency))}, told {shown_day(one.paid_at.date(), today)}")
        for one in claims
    ]


def creditable(invoices: Iterable[Booked]) -> Options:
    """Invoices that can be written down, with what is unpaid and paid on each."""
    return [
        (one.id, f"invoice {one.ref}: {_sum(one.balance)} unpaid" + (f", {_sum(one.paid)} paid" if one.paid else ""))
        for one in invoices
    ]


def paid(books: Books, today: date) -> Options:
    """What can be taken back: a payment, or all that was paid on an invoice."""
    found: list[tuple[str | int, str]] = [
        (
            f"payment-{one.id}",
            f"payment {one.ref}: {_sum(Money(one.amount, one.currency))} of {shown_day(one.paid_at.date(), today)}",
        )
        for one in books.payments
    ]
    found += [
        (f"invoice-{one.id}", f"all paid on invoice {one.ref}: {_sum(one.paid)}") for one in books.invoices if one.paid
    ]
    return found


def in_parts(plans: Iterable[Agreed], today: date) -> Options:
    """Installment plans that run."""
    return [
        (one.plan.id, f"{one.parts} parts agreed {shown_day(one.plan.agreed_at.date(), today)}: {_sum(one.total)}")
        for one in plans
    ]


def _sum(amount: Money) -> str:
    return f"{amount.major:,}{NO_BREAK}{amount.currency}"
