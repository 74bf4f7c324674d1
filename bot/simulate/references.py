"""What the events of a scenario name: accounts, invoices, payments, disputes, each of one client and there in time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.simulate.expectation import Expectation
from bot.simulate.happening import (
    Bills,
    Carries,
    Credits,
    Disputes,
    Event,
    Pays,
    Presses,
    Refunds,
    Resolves,
    Says,
    Settles,
    Taps,
)
from bot.simulate.people import Person
from engine.contact import ChannelKind
from engine.plan import Plan

NO_STAGE = "none"


class Register:
    """Names of one kind of thing, each with its client. An ended one cannot be ended again."""

    def __init__(self, what: str, end: str = "") -> None:
        self._what, self._end = what, end
        self._owners: dict[str, str] = {}
        self._ended: set[str] = set()

    def enter(self, name: str, client: str, *, ended: bool = False) -> str:
        """Note a new one. What is wrong with it, or nothing."""
        if name in self._owners:
            return f"the {self._what} '{name}' is there already"
        self._owners[name] = client
        if ended:
            self._ended.add(name)
        return ""

    def find(self, name: str, client: str) -> str:
        """Look for one of a client. What is wrong with it, or nothing."""
        if name not in self._owners:
            return f"there is no {self._what} '{name}' at that time"
        owner = self._owners[name]
        return "" if owner == client else f"the {self._what} '{name}' is of the client '{owner}'"

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
        for person in people:
            for account in person.accounts:
                self._accounts.enter(account.account, person.client)
                for invoice in account.invoices:
                    self._invoices.enter(invoice.invoice, person.client)

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
            case Disputes(invoice, _, ref):
                return self._invoices.find(invoice, client) or self._disputes.enter(ref, client)
            case Resolves(ref):
                return self._disputes.end(ref, client)
            case Bills(account, invoice):
                return self._accounts.find(account, client) or self._invoices.enter(invoice, client)
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

    def _paid(self, pays: Pays, client: str) -> str:
        return (
            (self._accounts.find(pays.account, client) if pays.account else "")
            or (self._invoices.find(pays.invoice, client) if pays.invoice else "")
            or (self._payments.enter(pays.id, client, ended=not pays.unconfirmed) if pays.id else "")
        )

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
