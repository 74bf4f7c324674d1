"""What the events of a scenario name: accounts, invoices, payments, disputes, each of one client and there in time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.simulate.expectation import Expectation
from bot.simulate.happening import (
    Agrees,
    Bills,
    Carries,
    Credits,
    Disputes,
    Done,
    Event,
    Pays,
    Presses,
    Promises,
    Refunds,
    Resolves,
    Says,
    Settles,
    Taps,
)
from bot.simulate.people import Person
from engine.contact import ChannelKind
from engine.money import Money
from engine.plan import Plan

NO_STAGE = "none"


class Register:
    """Names of one kind of thing, each with its clients. An ended one cannot be ended again.

    Several clients may each have one of a name, but where names can end: those are given once over all clients.
    """

    def __init__(self, what: str, end: str = "") -> None:
        self._what, self._end = what, end
        self._owners: dict[str, list[str]] = {}
        self._ended: set[str] = set()

    def enter(self, name: str, client: str, *, ended: bool = False) -> str:
        """Note a new one. What is wrong with it, or nothing."""
        owners = self._owners.setdefault(name, [])
        if client in owners or (owners and self._end):
            return f"the {self._what} '{name}' is there already; give this one another name"
        owners.append(client)
        if ended:
            self._ended.add(name)
        return ""

    def find(self, name: str, client: str) -> str:
        """Look for one of a client. What is wrong with it, or nothing."""
        if name not in self._owners:
            return f"there is no {self._what} '{name}' at that time"
        owners = self._owners[name]
        return "" if client in owners else f"the {self._what} '{name}' is of the client '{owners[0]}'"

    def end(self, name: str, client: str) -> str:
        """Note that one of a client is settled. What is wrong with that, or nothing."""
        if problem := self.find(name, client):
            return problem
        if name in self._ended:
            return f"the {self._what} '{name}' is {self._end} already"
        self._ended.add(name)
        return ""


class References:
    """What there is to be named, as the events of a scenario are followed in the order they happen."""

    def __init__(self, people: Sequence[Person], plans: Collection[Plan]) -> None:
        self._people, self._plans = {person.client: person for person in people}, plans
        self._accounts, self._invoices = Register("account"), Register("invoice")
        self._payments, self._disputes = Register("payment", "settled"), Register("dispute", "resolved")
        self._billed: dict[tuple[str, str], str] = {}
        self._disputed: dict[str, Money] = {}
        for person in people:
            for account in person.accounts:
                self._accounts.enter(account.account, person.client)
                for invoice in account.invoices:
                    self._bill(invoice.invoice, account.account, person.client)

    def follow(self, event: Event) -> str:
        """What is wrong with what the next event names, or nothing."""
        client = event.client
        match event.what:
            case Says() | Presses() | Taps() as word:
                return self._written(word, client)
            case Carries(channel):
                return self._addressed(channel, client, "send to")
            case Pays() as pays:
                return self._paid(pays, client)
            case Settles(ref):
                return self._payments.end(ref, client)
            case Disputes() as disputes:
                return self._contested(disputes, client)
            case Resolves(ref, granted):
                return self._disputes.end(ref, client) or self._granted(ref, granted)
            case Bills(account=account) | Done(account=account) as named:
                billed = named.invoice if isinstance(named, Bills) else ""
                return self._accounts.find(account, client) or (self._bill(billed, account, client) if billed else "")
            case Credits(invoice) | Refunds(invoice):
                return self._invoices.find(invoice, client)
        return ""

    def wanted(self, expected: Expectation) -> str:
        """What is wrong with what an expectation names, or nothing."""
        person, account = self._people[expected.client], expected.wants.get("account")
        if expected.plan and expected.plan not in person.worked_by:
            return f"{person.client} is not worked by a plan '{expected.plan}', but by: {', '.join(person.worked_by)}"
        stage = expected.wants.get("stage", NO_STAGE)
        asked = [expected.plan] if expected.plan else person.worked_by
        names = [each.name for plan in self._plans if plan.name in asked for each in plan.stages]
        if stage not in (NO_STAGE, *names):
            return f"no plan of {person.client} has a stage '{stage}'; the stages are: {', '.join(names)}"
        return self._accounts.find(account, person.client) if account else ""

    def _bill(self, invoice: str, account: str, client: str) -> str:
        self._billed.setdefault((client, invoice), account)
        return self._invoices.enter(invoice, client)

    def _contested(self, disputes: Disputes, client: str) -> str:
        self._disputed.setdefault(disputes.id, disputes.amount)
        return self._invoices.find(disputes.invoice, client) or self._disputes.enter(disputes.id, client)

    def _granted(self, ref: str, granted: Money) -> str:
        most = self._disputed[ref]
        if granted <= most:
            return ""
        return f"the dispute '{ref}' is over {most.major}, and {granted.major} is granted: write {most.major} or less"

    def _paid(self, pays: Pays, client: str) -> str:
        return (
            (self._accounts.find(pays.account, client) if pays.account else "")
            or (self._invoices.find(pays.invoice, client) if pays.invoice else "")
            or self._at_odds(pays, client)
            or (self._payments.enter(pays.id, client, ended=not pays.unconfirmed) if pays.id else "")
        )

    def _at_odds(self, pays: Pays, client: str) -> str:
        if not (pays.account and pays.invoice) or self._billed[client, pays.invoice] == pays.account:
            return ""
        of = self._billed[client, pays.invoice]
        return f"the invoice '{pays.invoice}' is of the account '{of}', not of '{pays.account}': leave one of them out"

    def _written(self, word: Says | Presses | Taps, client: str) -> str:
        match word:
            case Says(by=by):
                channel = by
            case Presses():
                channel = ChannelKind.VOICE
            case Taps():
                channel = ChannelKind.TELEGRAM
        return self._addressed(channel, client, "write from")

    def _addressed(self, channel: ChannelKind, client: str, to: str) -> str:
        return "" if channel in self._people[client].addresses else f"{client} has no {channel} address to {to}"


def over_already(event: Event) -> str:
    """What is wrong with the days that are agreed on, or nothing: none of them may be over."""
    match event.what:
        case Promises(_, until):
            what, day = "the last day of the promise", until
        case Agrees(parts):
            what, day = "the day of an installment", min(due for due, _ in parts)
        case _:
            return ""
    today = event.at.date()
    return f"{what}, {day}, is over when it is agreed: write {today} or a later day" if day < today else ""
