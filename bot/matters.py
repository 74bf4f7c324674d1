"""What is agreed with some clients, what falls due for them next and what has happened, read in one go: what
courtesies speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from bot.happened import PARTS as HAPPENED
from bot.happened import Happened, Key, Row, Subject, key_of
from bot.offered import PARTS as OFFERED
from bot.offered import Offered
from dialogs.facts import AccountDue, Due, Facts
from engine.money import Money
from engine.promise import PromiseState
from engine.store.facts import Plans
from engine.store.session import ReadSession, driver

PROMISES = """
select p.client_id, p.currency, p.state, p.id, p.until,
       p.amount - coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint as missing
from promises p
where p.client_id = any(%(clients)s::bigint[])
  and (p.state = 'open' or p.state in ('broken', 'partly_kept') and not exists (
    select from promises later where later.client_id = p.client_id and later.currency = p.currency
      and later.made_at > p.judged_at))
order by p.until, p.id
"""
"""A broken promise is spoken of until another one is made."""

INSTALLMENTS = """
select ip.client_id, ip.currency, i.id, i.due, i.amount - paid.sum as missing, i.interest + i.fee as costs
from installment_plans ip join installments i on i.plan_id = ip.id
cross join lateral (
  select coalesce(sum(a.amount), 0)::bigint as sum from appropriations a where a.installment_id = i.id) paid
where ip.client_id = any(%(clients)s::bigint[]) and ip.ended_at is null and i.amount > paid.sum
order by i.due, i.id
"""

RUNNING = """
select client_id, currency from installment_plans
where client_id = any(%(clients)s::bigint[]) and ended_at is null
"""

BILLS = """
select c.id as client_id, a.currency, i.id, i.due, a.ref, a.service, a.provider, i.amount, i.balance,
       array(select v.id from plans v
             where v.in_force and plan_applies(c.group_id, c.plans, v.group_id, v.name, v.standard)
             order by v.id) as plans
from clients c
join invoices i on i.client_id = c.id and i.balance > 0 and i.due > (%(now)s at time zone c.timezone)::date
join accounts a on a.id = i.account_id
where c.id = any(%(clients)s::bigint[]) and i.due <= %(now)s::date + 62
order by i.due, a.ref, i.id
"""
"""What falls due within about two months, and the plans whose terms say whether it counts."""

CREDITS = """
select client_id, currency, -sum(amount)::bigint as amount from ledger_entries
where client_id = any(%(clients)s::bigint[]) and invoice_id is null
group by client_id, currency having sum(amount) < 0
"""
"""Money of the client not yet used: it settles what falls due."""

SUBJECTS = """
select id, promise_id, installment_id, invoice_id, order_id, dispute_id, payment_id from contacts
where client_id = any(%(clients)s::bigint[]) and source is not null and planned_at > %(now)s - interval '60 days'
"""
"""What each courtesy is about: one of these."""

PARTS = (PROMISES, INSTALLMENTS, RUNNING, BILLS, CREDITS, *HAPPENED, *OFFERED, SUBJECTS)
TOLD = "select " + ", ".join(f"array(select to_jsonb(part) from ({part}) part)" for part in PARTS)  # noqa: S608 - of constants only
"""All of them in one question: it is asked at every turn of a talk."""

OF_ONE = TOLD.replace("any(%(clients)s::bigint[])", "%(client)s::bigint")
"""Of one client a plan made once fits all: for a list it is made each time, which costs more than the answer."""


@dataclass(frozen=True, slots=True)
class Item:
    """A promise, an installment or an invoice: its number in the store, and what is missing of it."""

    id: int
    due: Due


@dataclass(frozen=True, slots=True)
class Part(Item):
    """An installment: what is missing of it with its interest and fee, which are no part of the debt itself."""

    beside: Money


@dataclass(frozen=True, slots=True)
class Bill(Item):
    """An invoice that is no debt yet, with its account."""

    account: AccountDue


Found = TypeVar("Found", bound=Item)


@dataclass(frozen=True, slots=True)
class Matters:
    """Sums with their days by client and currency, the earliest first."""

    promises: Mapping[Key, Sequence[Item]]
    broken: Mapping[Key, Sequence[Item]]
    installments: Mapping[Key, Sequence[Part]]
    running: frozenset[Key]
    bills: Mapping[Key, Sequence[Bill]]
    credit: Mapping[Key, int]
    happened: Happened
    offered: Offered
    subjects: Mapping[int, Subject]

    @classmethod
    async def read(cls, session: ReadSession, clients: Sequence[int], now: datetime) -> Matters:
        """Read what is agreed with these clients, and their bills that are no debt yet."""
        connection = await driver(session)
        async with connection.cursor(binary=True) as cursor:
            question, asked = (
                (OF_ONE, {"client": clients[0]}) if len(clients) == 1 else (TOLD, {"clients": list(clients)})
            )
            await cursor.execute(question, {**asked, "now": now}, prepare=True)
            (told,) = await cursor.fetchall()
        vows, due, running, coming, credit, *happened, made, taken, subjects = told
        promises, broken = defaultdict[Key, list[Item]](list), defaultdict[Key, list[Item]](list)
        installments = defaultdict[Key, list[Part]](list)
        for one in vows:
            kept = promises if one["state"] == PromiseState.OPEN else broken
            kept[key_of(one)].append(Item(one["id"], _due(one, one["missing"], "until")))
        for one in due:
            costs = Money(one["costs"], one["currency"])
            installments[key_of(one)].append(Part(one["id"], _due(one, one["missing"] + costs.minor, "due"), costs))
        return cls(
            promises,
            broken,
            installments,
            frozenset(map(key_of, running)),
            await _bills(session, coming),
            {key_of(one): one["amount"] for one in credit},
            Happened.of(*happened),
            await Offered.of(session, made, taken),
            {one["id"]: Subject(*(one[f"{name}_id"] for name in Subject._fields)) for one in subjects},
        )

    def runs(self, client: int, currency: str) -> bool:
        """Whether an installment plan of the client runs."""
        return (client, currency) in self.running

    def restricts(self, client: int, currency: str) -> bool:
        """Whether a service of the client is off, or ordered off and not refused."""
        return (client, currency) in self.happened.restricted

    def off(self, client: int, currency: str) -> Sequence[str]:
        """The accounts of the client whose service is off."""
        found = self.happened.restricted.get((client, currency))
        return found.accounts if found else ()

    def told(self, facts: Facts, client: int, contact: int | None) -> Facts:
        """The facts of a client, with what is agreed and what comes next in their currency.

        What the contact is about goes before what is nearest.
        """
        key, subject = (client, facts.amount_due.currency), self.subjects.get(contact or 0, Subject())
        promise = _first(self.promises.get(key, ()), subject.promise)
        broken = _first(self.broken.get(key, ())[::-1], subject.promise)
        parts, free = self.installments.get(key, ()), facts.amount_due
        late = [part for part in parts if part.due.day < facts.today]
        costs = sum((part.beside for part in late), start=Money(0, key[1]))
        ahead = _first([part for part in parts if part.due.day >= facts.today], subject.installment)
        upcoming, accounts = self._upcoming(key, subject.invoice)
        return replace(
            self.happened.told(facts, key, subject),
            promise=promise.due if promise else None,
            broken=_still([broken] if broken else [], free),
            installment=ahead.due if ahead else None,
            missed=_still(late, free + costs) if free else None,
            upcoming=upcoming,
            upcoming_accounts=accounts,
        )

    def _upcoming(self, key: Key, invoice: int | None) -> tuple[Due | None, tuple[AccountDue, ...]]:
        """All bills of that day, less what the client has in credit once earlier ones are settled with it."""
        bills = self.bills.get(key, ())
        first = _first(bills, invoice)
        if first is None:
            return None, ()
        before = sum(bill.due.amount.minor for bill in bills if bill.due.day < first.due.day)
        sums = defaultdict[tuple[str, str], int](int)
        for bill in bills:
            if bill.due.day == first.due.day:
                sums[bill.account.account, bill.account.service] += bill.due.amount.minor
        accounts = tuple(AccountDue(*account, Money(amount, key[1])) for account, amount in sums.items())
        credit = max(self.credit.get(key, 0) - before, 0)
        left = sum(sums.values()) - credit
        if left <= 0:
            return None, ()
        return Due(Money(left, key[1]), first.due.day), () if credit else accounts


def _first(items: Sequence[Found], number: int | None) -> Found | None:
    """The item of that number, or else the first."""
    return next((item for item in items if item.id == number), items[0] if items else None)


def _due(row: Row, amount: int, day: str) -> Due:
    return Due(Money(amount, row["currency"]), date.fromisoformat(row[day]))


async def _bills(session: ReadSession, rows: Sequence[Row]) -> dict[Key, list[Bill]]:
    """The bills that a plan of their client includes."""
    plans = Plans(session)
    bills = defaultdict[Key, list[Bill]](list)
    for row in rows:
        for plan in row["plans"]:
            include = (await plans.terms(plan, row["currency"])).include
            if include.will_hold(row["service"], row["provider"], row["amount"]):
                due = _due(row, row["balance"], "due")
                account = AccountDue(row["ref"], row["service"], due.amount)
                bills[key_of(row)].append(Bill(row["id"], due, account))
                break
    return bills


def _still(missing: Sequence[Item], free: Money) -> Due | None:
    """What did not come, all together since the oldest of its days, as far as it is still to be paid."""
    if not missing or not free:
        return None
    together = sum((item.due.amount for item in missing), start=Money(0, free.currency))
    return Due(min(together, free), missing[0].due.day)
