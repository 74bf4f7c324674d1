"""What has happened to some clients: promises kept, disputes, payments not found, services off and on again. It is read
in the one question of `bot.matters`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar

from dialogs.facts import Due, Facts
from engine.money import Money

EVENTS = """
select client_id, currency, matter, id, day, told, amount, granted, stands
from news
where client_id = any(%(clients)s::bigint[]) and (at > %(now)s - interval '60 days' or matter = 'dispute' and stands)
order by at desc, id desc
"""
"""The latest first. What was settled long ago is no news."""

RESTORED = """
select r.client_id, r.currency, r.id, r.day, r.stands, a.ref, a.service
from restored_services r join accounts a on a.id = r.account_id
where r.client_id = any(%(clients)s::bigint[]) and r.day > %(now)s::date - 60
order by r.day desc, a.ref
"""

RESTRICTED = """
select o.client_id, k.currency, min((o.acknowledged_at at time zone c.timezone)::date) as day,
       coalesce(array_agg(a.ref) filter (where o.outcome = 'done'), '{}') as accounts
from service_orders o join cases k on k.id = o.case_id join clients c on c.id = o.client_id
left join accounts a on a.id = o.account_id
where o.client_id = any(%(clients)s::bigint[]) and o.verb = 'suspend_service' and o.outcome is distinct from 'refused'
  and not exists (
    select from service_orders back
    where back.account_id = o.account_id and back.verb = 'restore_service' and back.id > o.id and back.outcome = 'done')
group by o.client_id, k.currency
"""
"""Since when which accounts are off: the day that was done; no day where it is ordered and nobody has said so yet."""

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
    """Something that happened, by its number in the store; `granted` minor units of a dispute that was resolved.

    `told` is the day that is spoken of: the one a promise was to be kept by, the one on which somebody says they paid,
    else that on which it happened. What no longer `stands` only tells its day.
    """

    id: int
    day: date
    told: date
    amount: Money
    granted: int
    stands: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """A service switched on again: the number of the order, and what it is called."""

    id: int
    day: date
    name: str
    stands: bool


@dataclass(frozen=True, slots=True)
class Restriction:
    """Services ordered off: since when, None while no order was answered, and on which accounts that was done."""

    since: date | None
    accounts: Sequence[str]


Found = TypeVar("Found", Event, Restored)


@dataclass(frozen=True, slots=True)
class Happened:
    """By client and currency, the latest first; events by their kind too."""

    events: Mapping[tuple[Key, str], Sequence[Event]]
    restored: Mapping[Key, Sequence[Restored]]
    restricted: Mapping[Key, Restriction]

    @classmethod
    def of(cls, events: Sequence[Row], restored: Sequence[Row], restricted: Sequence[Row]) -> Happened:
        """From the rows of the parts."""
        found = defaultdict[tuple[Key, str], list[Event]](list)
        for one in events:
            amount, granted = Money(one["amount"], one["currency"]), one["granted"] or 0
            event = Event(one["id"], _day(one), _day(one, "told"), amount, granted, one["stands"])
            found[key_of(one), one["matter"]].append(event)
        back = defaultdict[Key, list[Restored]](list)
        for one in restored:
            name = f"{one['ref']} ({one['service']})" if one["service"] else one["ref"]
            back[key_of(one)].append(Restored(one["id"], _day(one), name, one["stands"]))
        off = {key_of(one): Restriction(_day(one) if one["day"] else None, one["accounts"]) for one in restricted}
        return cls(found, back, off)

    def told(self, facts: Facts, key: Key, subject: Subject) -> Facts:
        """The facts with what has happened: all of the day of what a contact is about, or else of the latest day."""
        answered = self._of_a_day(key, "answered", subject.dispute)
        back = _of_its_day(self.restored.get(key, ()), subject.order)
        off = self.restricted.get(key)
        return replace(
            facts,
            kept=_together(self._of_a_day(key, "kept", subject.promise)),
            dispute=_together(self._of_a_day(key, "dispute", subject.dispute)),
            answered=_together(answered),
            granted=Money(sum(one.granted for one in answered), key[1]) if answered else None,
            claim=_together(self._of_a_day(key, "claim", subject.payment), min),
            restored=", ".join(dict.fromkeys(one.name for one in back)),
            restricted_on=off.since if off else None,
        )

    def _of_a_day(self, key: Key, matter: str, number: int | None) -> Sequence[Event]:
        return _of_its_day(self.events.get((key, matter), ()), number)


def key_of(row: Row) -> Key:
    """Whose a row is."""
    return row["client_id"], row["currency"]


def _day(row: Row, column: str = "day") -> date:
    return date.fromisoformat(row[column])


def _of_its_day(items: Sequence[Found], number: int | None) -> Sequence[Found]:
    """What still stands of the day of the item of that number, or else of the latest: one message speaks of it all."""
    standing = [item for item in items if item.stands]
    day = next((item.day for item in items if item.id == number), standing[0].day if standing else None)
    return [item for item in standing if item.day == day]


def _together(events: Sequence[Event], day: Callable[[Iterable[date]], date] = max) -> Due | None:
    """What is of one day, in one sum."""
    if not events:
        return None
    return Due(sum((one.amount for one in events[1:]), start=events[0].amount), day(one.told for one in events))
