"""What is given before a talk is played: the script, the channel, the language, the day, and how the client stands.

Facts are written as in a golden talk (tests/conversations): sums in one currency, a sum with its day as a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from bot.simulate.amounts import amount_of
from dialogs.facts import MATTERS, AccountDue, Due, Facts, PayPoint
from dialogs.message import Schedule
from engine.contact import ChannelKind
from engine.document import Node, parse
from engine.money import Money, is_currency, money

KEYS = (
    *("name", "creditor", "currency", "due", "all_due", "since", "accounts", "upcoming_accounts", "link", "tail"),
    *("promised", "consequence_on", "parts", "schedules", "granted", "restored", "restricted_on", "cancelled"),
    *("months_paid", "months_free", "agency_name", "places", *MATTERS),
)
"""The facts that can be given."""
PAIR, TRIPLE = 2, 3
SINCE = date(2026, 4, 20)
NEAR = timedelta(days=7)
OVER = ("broken", "missed", "kept", "dispute", "answered", "claim")
"""Matters whose day is behind."""
PART = "70"
ALONGSIDE = {"amnesty": {"cancelled": "50"}, "prepayment": {"months_paid": "10", "months_free": "2"}}
"""Facts without which a matter cannot be told."""


@dataclass(frozen=True, slots=True)
class Premise:
    """Where a talk begins. `given` are the facts as they were written; without a channel, words are nobody's own."""

    script: str
    language: str
    today: date
    channel: ChannelKind | None = None
    given: Mapping[str, Node] = field(default_factory=dict)

    def later(self, days: int) -> Premise:
        """The same, so many days later."""
        return replace(self, today=date.fromordinal(self.today.toordinal() + days))

    @property
    def facts(self) -> Facts:
        """The facts, with usual ones for what was not given. Raises DocumentError where one is wrong."""
        given = _Given(self.given)
        since = given.day("since") or SINCE
        return Facts(
            today=self.today,
            name=given.text("name", "Ana"),
            creditor=given.text("creditor", "Acme"),
            amount_due=given.amount("due", usual="120"),
            oldest_due=since,
            days_past_due=max((self.today - since).days, 0),
            accounts=given.accounts("accounts"),
            upcoming_accounts=given.accounts("upcoming_accounts"),
            consequence_on=given.day("consequence_on"),
            pay_link=given.text("link", "https://pay.example/p/Ab3"),
            promised=given.amount("promised") if "promised" in given else None,
            all_due=given.amount("all_due") if "all_due" in given else None,
            parts=given["parts"].whole() if "parts" in given else 6,
            account_tails=(given.text("tail", "1001"),),
            link_by_sms=self.channel is ChannelKind.VOICE,
            schedules=given.schedules(),
            granted=given.amount("granted") if "granted" in given else None,
            restored=given.text("restored", ""),
            restricted_on=given.day("restricted_on"),
            cancelled=given.amount("cancelled") if "cancelled" in given else None,
            months_paid=given["months_paid"].whole() if "months_paid" in given else 0,
            months_free=given["months_free"].whole() if "months_free" in given else 0,
            agency_name=given.text("agency_name", ""),
            places=given.places(),
            **{name: given.matter(name) for name in MATTERS},  # type: ignore[arg-type] # every one of them is a Due
        )


def usual(matter: str, today: date) -> dict[str, Node]:
    """What a script about that matter speaks of, for a client of whom nothing of it was said."""
    if not matter:
        return {}
    day = today + (-NEAR if matter in OVER else NEAR)
    written = {matter: f"[{PART}, {day.isoformat()}]", **ALONGSIDE.get(matter, {})}
    return {name: parse(value, name) for name, value in written.items()}


class _Given(dict[str, Node]):
    """Facts as they were written, by name."""

    @property
    def currency(self) -> str:
        code = self.text("currency", "USD")
        if not is_currency(code):
            raise self["currency"].wrong(f"'{code}' is not the code of a currency: write three letters, such as EUR")
        return code

    def text(self, name: str, usual: str) -> str:
        return self[name].text() if name in self else usual

    def day(self, name: str) -> date | None:
        return self[name].day() if name in self else None

    def amount(self, name: str, usual: str = "0") -> Money:
        return self._sum(self[name]) if name in self else money(usual, self.currency)

    def matter(self, name: str) -> Due | None:
        return self.due(self[name]) if name in self else None

    def due(self, node: Node) -> Due:
        amount, day = _fields(node, PAIR, "a sum and its day, such as [100, 2026-05-13]")
        return Due(self._sum(amount), day.day())

    def accounts(self, name: str) -> tuple[AccountDue, ...]:
        told = "an account, its service and a sum, such as [A1, internet, 40]"
        found = (_fields(row, TRIPLE, told) for row in self._rows(name))
        return tuple(AccountDue(account.text(), service.text(), self._sum(part)) for account, service, part in found)

    def places(self) -> tuple[PayPoint, ...]:
        return tuple(PayPoint(*(part.text() for part in row.items())) for row in self._rows("places"))

    def schedules(self) -> dict[int, Schedule]:
        rows = [[self.due(part) for part in row.items()] for row in self._rows("schedules")]
        return {len(row): tuple((part.day, part.amount) for part in row) for row in rows}

    def _rows(self, name: str) -> list[Node]:
        return self[name].items() if name in self else []

    def _sum(self, node: Node) -> Money:
        return amount_of(node, self.currency, least=0)


def _fields(node: Node, count: int, told: str) -> list[Node]:
    fields = node.items()
    if len(fields) != count:
        raise node.wrong(f"expected {told}")
    return fields
