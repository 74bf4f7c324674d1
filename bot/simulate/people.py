"""The people of a scenario, with their accounts and invoices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel import Locale, UnknownLocaleError

from bot.simulate.amounts import amount_of
from engine.calendar import UnknownZone, zone
from engine.contact import ChannelKind
from engine.document import Node, unique
from engine.money import Money
from engine.plan import Plan
from engine.store.addresses import BadAddress, normal

CLIENT_OPTIONS = ("plan", "timezone", "email", "sms", "voice", "telegram")


@dataclass(frozen=True, slots=True)
class BilledInvoice:
    """An invoice of a scenario. `node` is its place in the file."""

    invoice: str
    issued: date
    due: date
    amount: Money
    node: Node


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """An account of a scenario's client. `node` is its place in the file."""

    account: str
    service: str
    provider: str
    invoices: tuple[BilledInvoice, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class Person:
    """A client of a scenario. `plans` are those the file names; `worked_by` those that apply, the group's without."""

    client: str
    group: str
    plans: tuple[str, ...]
    worked_by: tuple[str, ...]
    language: str
    timezone: str
    addresses: dict[ChannelKind, str]
    accounts: tuple[HeldAccount, ...]


def read_people(
    nodes: Sequence[Node], groups: tuple[str, ...], plans: tuple[tuple[Plan, Node], ...], timezone: str, currency: str
) -> tuple[Person, ...]:
    """Everybody in a list of clients; `timezone` is of those who name none. Raises DocumentError."""
    people = tuple(_person(node, groups, plans, timezone, currency) for node in nodes)
    unique(nodes, (person.client for person in people), "clients")
    for person in people:
        accounts = person.accounts
        unique((one.node for one in accounts), (one.account for one in accounts), f"accounts of {person.client}")
        invoices = [invoice for account in accounts for invoice in account.invoices]
        unique((one.node for one in invoices), (one.invoice for one in invoices), f"invoices of {person.client}")
    return people


def zone_of(node: Node) -> str:
    """The name of a time zone. Raises DocumentError."""
    try:
        return zone(node.text()).key
    except UnknownZone as error:
        raise node.wrong(str(error)) from error


def _person(
    node: Node, groups: tuple[str, ...], plans: tuple[tuple[Plan, Node], ...], timezone: str, currency: str
) -> Person:
    keys = node.mapping(("client", "group", "language", "accounts"), CLIENT_OPTIONS)
    group = keys["group"].text()
    if group not in groups:
        raise keys["group"].wrong(f"'{group}' is not one of the groups: {', '.join(groups)}")
    named = _plans(keys["plan"], group, plans) if "plan" in keys else ()
    return Person(
        client=keys["client"].text(),
        group=group,
        plans=named,
        worked_by=named or (_standard(group, plans, node),),
        language=_language(keys["language"]),
        timezone=zone_of(keys["timezone"]) if "timezone" in keys else timezone,
        addresses={kind: _address(keys[kind], kind) for kind in ChannelKind if kind in keys},
        accounts=tuple(_account(account, currency) for account in keys["accounts"].items()),
    )


def _plans(node: Node, group: str, plans: tuple[tuple[Plan, Node], ...]) -> tuple[str, ...]:
    """One plan's name, or a list of them."""
    nodes = node.items() if isinstance(node.value, list) else [node]
    if not nodes:
        raise node.wrong("name at least one plan, or leave 'plan' out for the standard plan of the group")
    names = tuple(_plan(one, group, plans) for one in nodes)
    unique(nodes, names, "plans")
    return names


def _plan(node: Node, group: str, plans: tuple[tuple[Plan, Node], ...]) -> str:
    name = node.text()
    named = next((terms for terms, _ in plans if terms.name == name), None)
    if named is None:
        raise node.wrong(f"there is no plan '{name}'")
    if named.group != group:
        raise node.wrong(f"the plan '{name}' is of the group '{named.group}', the client of '{group}' (A3)")
    return name


def _standard(group: str, plans: tuple[tuple[Plan, Node], ...], client: Node) -> str:
    for terms, _ in plans:
        if terms.group == group and terms.standard:
            return terms.name
    raise client.wrong(f"the group '{group}' has no standard plan, so this client needs a 'plan'")


def _account(node: Node, currency: str) -> HeldAccount:
    keys = node.mapping(("account", "service", "invoices"), ("provider",))
    return HeldAccount(
        keys["account"].text(),
        keys["service"].text(),
        keys["provider"].text() if "provider" in keys else "",
        tuple(_invoice(invoice, currency) for invoice in keys["invoices"].items()),
        node,
    )


def _invoice(node: Node, currency: str) -> BilledInvoice:
    keys = node.mapping(("invoice", "issued", "due", "amount"))
    issued, due = keys["issued"].day(), keys["due"].day()
    if due < issued:
        raise keys["due"].wrong(f"the due date is before the day of issue: write {issued} or a later day")
    return BilledInvoice(keys["invoice"].text(), issued, due, amount_of(keys["amount"], currency), node)


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
