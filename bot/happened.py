"""What has happened to some clients: promises kept, disputes, payments not found, services off and on again. It is read
in the one question of `bot.matters`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar

from dialogs.facts import Due, Facts
from engine.money import Money

EVENTS = """
with happened as (
  select client_id, currency, 'kept' as matter, id, judged_at as at, amount, null::bigint as granted
  from promises where client_id = any(%(clients)s::bigint[]) and state = 'kept'
union all
  select client_id, currency, 'dispute', id, opened_at, amount, null
  from disputes where client_id = any(%(clients)s::bigint[]) and resolved_at is null
union all
  select client_id, currency, 'answered', id, resolved_at, amount, granted
  from disputes where client_id = any(%(clients)s::bigint[]) and resolved_at is not null
union all
  select client_id, currency, 'claim', id, paid_at, amount, null
  from payments where client_id = any(%(clients)s::bigint[]) and rejected_at is not null
)
select e.client_id, e.currency, e.matter, e.id, (e.at at time zone c.timezone)::date as day, e.amount, e.granted
from happened e join clients c on c.id = e.client_id
where e.matter = 'dispute' or e.at > %(now)s - interval '60 days'
order by e.at desc, e.id desc
"""
"""The latest first. What was settled long ago is no news."""

RESTORED = """
select r.client_id, r.currency, r.id, r.day, a.ref, a.service
from restored_services r join accounts a on a.id = r.account_id
where r.client_id = any(%(clients)s::bigint[]) and r.day > %(now)s::date - 60
order by r.day desc, a.ref
"""

RESTRICTED = """
select o.client_id, k.currency, min((coalesce(o.acknowledged_at, o.ordered_at) at time zone c.timezone)::date) as day
from service_orders o join cases k on k.id = o.case_id join clients c on c.id = o.client_id
where o.client_id = any(%(clients)s::bigint[]) and o.verb = 'suspend_service' and o.outcome is distinct from 'refused'
  and not exists (
    select from service_orders back
    where back.account_id = o.account_id and back.verb = 'restore_service' and back.id > o.id and back.outcome = 'done')
group by o.client_id, k.currency
"""
"""Since when a service is off: the day that was done or, where nobody has said so yet, ordered."""

PARTS = (EVENTS, RESTORED, RESTRICTED)

Key = tuple[int, str]
"""A client and a currency."""
Row = Mapping[str, Any]
"""One row of a part, by column; days as JSON has them."""


class Subject(NamedTuple):
    """What a contact is about, by its number: one of these."""

    promise: int | None = None
    installment: int | None = None
    invoice: int | None = None
    order: int | None = None
    dispute: int | None = None
    payment: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, by its number in the store; `granted` minor units of a dispute that was resolved."""

    id: int
    day: date
    amount: Money
    granted: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A service switched on again: the number of the order, and what it is called."""

    id: int
    day: date
    name: str


Found = TypeVar("Found", Event, Restored)


@dataclass(frozen=True, slots=True)
class Happened:
    """By client and currency, the latest first; events by their kind too, `restricted` since when a service is off."""

    events: Mapping[tuple[Key, str], Sequence[Event]]
    restored: Mapping[Key, Sequence[Restored]]
    restricted: Mapping[Key, date]

    @classmethod
    def of(cls, events: Sequence[Row], restored: Sequence[Row], restricted: Sequence[Row]) -> Happened:
        """From the rows of the parts."""
        found = defaultdict[tuple[Key, str], list[Event]](list)
        for one in events:
            amount, granted = Money(one["amount"], one["currency"]), one["granted"] or 0
            found[key_of(one), one["matter"]].append(Event(one["id"], _day(one), amount, granted))
        back = defaultdict[Key, list[Restored]](list)
        for one in restored:
            name = f"{one['ref']} ({one['service']})" if one["service"] else one["ref"]
            back[key_of(one)].append(Restored(one["id"], _day(one), name))
        return cls(found, back, {key_of(one): _day(one) for one in restricted})

    def told(self, facts: Facts, key: Key, subject: Subject) -> Facts:
        """The facts with what has happened: all of the day of what a contact is about, or else of the latest day."""
        answered = self._of_a_day(key, "answered", subject.dispute)
        back = _of_its_day(self.restored.get(key, ()), subject.order)
        return replace(
            facts,
            kept=_together(self._of_a_day(key, "kept", subject.promise)),
            dispute=_together(self._of_a_day(key, "dispute", subject.dispute)),
            answered=_together(answered),
            granted=Money(sum(one.granted for one in answered), key[1]) if answered else None,
            claim=_together(self._of_a_day(key, "claim", subject.payment)),
            restored=", ".join(dict.fromkeys(one.name for one in back)),
            restricted_on=self.restricted.get(key),
        )

    def _of_a_day(self, key: Key, matter: str, number: int | None) -> Sequence[Event]:
        return _of_its_day(self.events.get((key, matter), ()), number)


def key_of(row: Row) -> Key:
    """Whose a row is."""
    return row["client_id"], row["currency"]


def _day(row: Row) -> date:
    return date.fromisoformat(row["day"])


def _of_its_day(items: Sequence[Found], number: int | None) -> Sequence[Found]:
    """The item of that number, or else the first, with all others of its day: one message speaks of them all."""
    if not items:
        return ()
    day = next((item for item in items if item.id == number), items[0]).day
    return [item for item in items if item.day == day]


def _together(events: Sequence[Event]) -> Due | None:
    """What is of one day, in one sum."""
    if not events:
        return None
    return Due(sum((one.amount for one in events[1:]), start=events[0].amount), events[0].day)
