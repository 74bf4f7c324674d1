"""Scenario files: a plan, some people, what happens, what must follow. Parsed whole before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from babel import Locale, UnknownLocaleError

from bot.simulate.expectation import Expectation, read_expectation
from bot.simulate.happening import Event, amount_of, read_event
from engine.calendar import UnknownZone, zone
from engine.contact import ChannelKind
from engine.document import Node, read, unique
from engine.money import Money, is_currency
from engine.plan import Plan
from engine.store.addresses import BadAddress, normal
from engine.store.plans import read_plans

TOP = ("scenario", "start", "end", "timezone", "currency", "groups", "plans", "clients", "expect")
CLIENT_OPTIONS = ("plan", "timezone", "email", "sms", "voice", "telegram")


@dataclass(frozen=True, slots=True)
class BilledInvoice:
    """An invoice of a scenario."""

    invoice: str
    issued: date
    due: date
    amount: Money


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """An account of a scenario's client."""

    account: str
    service: str
    provider: str
    invoices: tuple[BilledInvoice, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A client of a scenario."""

    client: str
    group: str
    plans: tuple[str, ...]
    language: str
    timezone: str
    addresses: dict[ChannelKind, str]
    accounts: tuple[HeldAccount, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario. Days and times are local to the clients."""

    name: str
    file: str
    start: date
    end: date
    timezone: str
    currency: str
    groups: tuple[str, ...]
    plans: tuple[tuple[Plan, Node], ...]
    people: tuple[Person, ...]
    events: tuple[Event, ...]
    expectations: tuple[Expectation, ...]


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises DocumentError with file, line and what is wrong."""
    root = read(path)
    keys = root.mapping(TOP, ("about", "events", "rules"))
    currency = keys["currency"].text()
    if not is_currency(currency):
        raise keys["currency"].wrong(f"'{currency}' is not the code of a currency, such as RON")
    if "rules" in keys and keys["rules"].items():
        raise keys["rules"].wrong("rule packs are not supported yet; write rules: []")
    timezone = _zone(keys["timezone"])
    start, end = keys["start"].day(), keys["end"].day()
    if end < start:
        raise keys["end"].wrong("the end is before the start")
    groups = keys["groups"].texts()
    plans = tuple(read_plans(root, currency))
    nodes = keys["clients"].items()
    people = tuple(_person(node, groups, plans, timezone, currency) for node in nodes)
    unique(nodes, (person.client for person in people), "clients")
    by_name = {person.client: person for person in people}
    return Scenario(
        name=keys["scenario"].text(),
        file=str(path),
        start=start,
        end=end,
        timezone=timezone,
        currency=currency,
        groups=groups,
        plans=plans,
        people=people,
        events=tuple(_events(keys, by_name, currency)),
        expectations=tuple(read_expectation(node, by_name.keys(), currency) for node in keys["expect"].items()),
    )


def _events(keys: dict[str, Node], people: dict[str, Person], currency: str) -> list[Event]:
    nodes = keys["events"].items() if "events" in keys else []
    events = [read_event(node, people.keys(), currency) for node in nodes]
    zones = {name: zone(person.timezone) for name, person in people.items()}

    def instant(event: Event) -> datetime:
        return event.at.replace(tzinfo=zones[event.client])

    return sorted(events, key=instant)


def _person(
    node: Node, groups: tuple[str, ...], plans: tuple[tuple[Plan, Node], ...], timezone: str, currency: str
) -> Person:
    keys = node.mapping(("client", "group", "language", "accounts"), CLIENT_OPTIONS)
    group = keys["group"].text()
    if group not in groups:
        raise keys["group"].wrong(f"'{group}' is not one of the groups: {', '.join(groups)}")
    account_nodes = keys["accounts"].items()
    accounts = tuple(_account(account, currency) for account in account_nodes)
    unique(account_nodes, (account.account for account in accounts), "accounts")
    return Person(
        client=keys["client"].text(),
        group=group,
        plans=_plan(keys.get("plan"), group, plans, node),
        language=_language(keys["language"]),
        timezone=_zone(keys["timezone"]) if "timezone" in keys else timezone,
        addresses={kind: _address(keys[kind], kind) for kind in ChannelKind if kind in keys},
        accounts=accounts,
    )


def _plan(chosen: Node | None, group: str, plans: tuple[tuple[Plan, Node], ...], client: Node) -> tuple[str, ...]:
    if chosen is None:
        if not any(terms.group == group and terms.standard for terms, _ in plans):
            raise client.wrong(f"the group '{group}' has no standard plan, so this client needs a 'plan'")
        return ()
    if isinstance(chosen.value, list):
        raise chosen.wrong("work on several plans is not supported yet; name one plan")
    name = chosen.text()
    named = next((terms for terms, _ in plans if terms.name == name), None)
    if named is None:
        raise chosen.wrong(f"there is no plan '{name}'")
    if named.group != group:
        raise chosen.wrong(f"the plan '{name}' is of the group '{named.group}', the client of '{group}' (A3)")
    return (name,)


def _account(node: Node, currency: str) -> HeldAccount:
    keys = node.mapping(("account", "service", "invoices"), ("provider",))
    return HeldAccount(
        keys["account"].text(),
        keys["service"].text(),
        keys["provider"].text() if "provider" in keys else "",
        tuple(_invoice(invoice, currency) for invoice in keys["invoices"].items()),
    )


def _invoice(node: Node, currency: str) -> BilledInvoice:
    keys = node.mapping(("invoice", "issued", "due", "amount"))
    issued, due = keys["issued"].day(), keys["due"].day()
    if due < issued:
        raise keys["due"].wrong("the due date is before the day of issue")
    return BilledInvoice(keys["invoice"].text(), issued, due, amount_of(keys["amount"], currency))


def _zone(node: Node) -> str:
    try:
        return zone(node.text()).key
    except UnknownZone as error:
        raise node.wrong(str(error)) from error


def _language(node: Node) -> str:
    try:
        Locale.parse(node.text(), sep="-")
    except (UnknownLocaleError, ValueError):
        raise node.wrong(f"'{node.value}' is not a language code, such as ro") from None
    return node.text()


def _address(node: Node, kind: ChannelKind) -> str:
    try:
        return normal(kind, node.text())
    except BadAddress as error:
        raise node.wrong(str(error)) from error
