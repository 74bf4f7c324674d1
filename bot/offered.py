"""What is offered to some clients besides payment in full, and what of it they have taken. It is read in the one
question of `bot.matters`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.happened import Key, Row, key_of
from dialogs.facts import Due, Facts
from engine.money import Money
from engine.offer import Offer, last_day
from engine.plan import Offers
from engine.store.facts import Plans
from engine.store.session import ReadSession

MADE = """
select k.id, k.plan_id, k.currency, (
  select (min(t.opened_at) at time zone c.timezone)::date from conversations t where t.contact_id = k.id) as day
from contacts k join clients c on c.id = k.client_id join plans v on v.id = k.plan_id and v.terms ? 'offers'
where k.client_id = any(%(clients)s::bigint[]) and k.state in ('planned', 'opened')
  and k.planned_at > %(now)s - interval '120 days'
"""
"""Contacts of plans that offer something, and the client's day on which each was made."""

TAKEN = """
select p.client_id, p.currency, p.remits_until as until, p.remits,
       p.amount - coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint as missing
from promises p where p.client_id = any(%(clients)s::bigint[]) and p.state = 'open' and p.remits is not null
order by p.id
"""
PARTS = (MADE, TAKEN)


@dataclass(frozen=True, slots=True)
class Made:
    """What a plan offers, and the client's day on which its contact was made; None while it is still to be made."""

    offers: Offers
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An amnesty that was accepted: what is missing of its part, and what is cancelled once that has come."""

    part: Due
    cancelled: Money


@dataclass(frozen=True, slots=True)
class Offered:
    """Offers by the contact that makes them, and those taken by client and currency."""

    made: Mapping[int, Made]
    taken: Mapping[Key, Taken]

    @classmethod
    async def of(cls, session: ReadSession, made: Sequence[Row], taken: Sequence[Row]) -> Offered:
        """From the rows of PARTS."""
        plans = Plans(session)
        offers = [(await plans.terms(one["plan_id"], one["currency"])).offers for one in made]
        return cls(
            {
                one["id"]: Made(terms, date.fromisoformat(one["day"]) if one["day"] else None)
                for one, terms in zip(made, offers, strict=True)
            },
            {
                key_of(one): Taken(
                    Due(Money(one["missing"], one["currency"]), date.fromisoformat(one["until"])),
                    Money(one["remits"], one["currency"]),
                )
                for one in taken
            },
        )

    def told(self, facts: Facts, client: int, contact: int | None, usual: Offers, free: Money) -> Facts:
        """The facts with what the contact offers, else with what `usual` would offer today.

        An amnesty is of all the debt that is `free`; one that was taken stays what it was.
        """
        made, taken = self.made.get(contact or 0, Made(usual)), self.taken.get((client, free.currency))
        amnesty, ahead = made.offers.amnesty, made.offers.prepayment
        if taken:
            facts = replace(facts, amnesty=taken.part, cancelled=taken.cancelled)
        elif amnesty and free and (day := _open(amnesty, made, facts.today)):
            part = Money(amnesty.part(free.minor), free.currency)
            facts = replace(facts, amnesty=Due(part, day), cancelled=free - part)
        if ahead and (day := _open(ahead, made, facts.today)):
            price = Due(Money(ahead.price, free.currency), day)
            facts = replace(facts, prepayment=price, months_paid=ahead.months, months_free=ahead.free)
        return facts


def _open(offer: Offer, made: Made, today: date) -> date | None:
    """The last day of an offer; None once it is over."""
    day = last_day(offer, made.day or today)
    return day if day >= today else None
