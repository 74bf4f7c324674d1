"""Opening the contacts whose hour has come, on the first channel that can reach the client."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import or_, select, text

from bot.application import Application
from bot.situation import LIMITED, Situations
from bot.speaking import BULK, Slot, open_talk, take_turn
from dialogs.facts import Facts
from dialogs.turn import start
from engine.agreements.pauses import pauses_of
from engine.calendar import at_local, local_day, zone
from engine.contact import ChannelKind
from engine.debt import Pause, paused_until
from engine.decision import Ending
from engine.store.history import note
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Case, Contact, ContactState, Occasion
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation, Owner

BATCH = 100
HELD = timedelta(days=14)
"""While a client talks with a person, or waits for one, the engine starts no contact; so long after the last word."""

LAST_CALL = timedelta(minutes=30)
"""With less than this of its hours left a contact waits no more for a carrier that is not there: the next channel whose
carrier is, if it has one, is taken instead. Before that, and for a channel that merely has enough to do, the order of
the plan is worth the wait."""
ANSWERED = timedelta(hours=1)
"""So often it is looked whether the order behind a notice that a service is off was answered: until then it is not."""

GAVE_WAY = "its carrier was not there and its hours nearly over"

WAYS = """
select way.channel from unnest(c.channels[c.tried + 1:]) with ordinality way(channel, place)
join addresses a on a.client_id = c.client_id and a.channel = way.channel
where way.channel = any(:usable) and a.dead_since is null and a.opted_out_at is null
"""
SHUT = "way.channel = any(cast(:shut as text[]))"

PART, MOST_PARTS = 2_000, 100
DUE = text(f"""
with backlog as materialized (
  select 1 + count(*) / {PART} as parts, floor(random() * (1 + count(*) / {PART}))::bigint as turn
  from (select from contacts where state = 'planned' and send_from <= :now
        limit case when cardinality(cast(:full as text[])) = 0 then 0 else {PART * MOST_PARTS} end) due
)
select c.id, c.client_id from contacts c
where c.state = 'planned' and c.send_from <= :now
  and (cardinality(cast(:full as text[])) = 0
       or c.id % (select parts from backlog) = (select turn from backlog)
          and coalesce(({WAYS} order by c.send_until <= :last_call and {SHUT}, way.place limit 1), '') <> all(:full))
order by c.send_from, c.id limit :most
""")  # noqa: S608 our own
"""Contacts that may be opened; not those whose next channel is full. Who has no channel left waits for none.

While a channel is full many wait for it: of a long backlog each look takes another part, drawn by lot, for finding out
which way each of them would go costs more than all else.
"""

GIVE_WAY = text(f"""
with late as (
  update outbound set state = 'refused', settled_at = :now, reason = :reason
  where id in (
    select o.id from outbound o join contacts c on c.id = o.contact_id
    where o.state = 'ready' and not o.resent and c.state = 'opened' and o.channel = any(cast(:shut as text[]))
      and o.send_until > :now and o.send_until <= :last_call and exists ({WAYS} and not {SHUT})
    order by o.id limit :most for no key update of o skip locked)
  returning contact_id
)
update contacts set state = 'planned', send_from = :now
where id in (select c.id from contacts c join late on late.contact_id = c.id order by c.id for no key update of c)
returning id
""")  # noqa: S608 our own

DROP_MOOT = text("""
update contacts c set state = 'superseded'
where c.id = any(array(select unnest(cast(:contacts as bigint[])))) and c.state = 'planned'
  and exists (select from moot_contacts m where m.id = c.id)
""")
"""How many they are is hidden from the planner: its plan is kept for the next batch."""


async def give_way(app: Application, now: datetime, shut: Collection[ChannelKind]) -> int:
    """Take back what is queued for channels whose carriers are not there and whose hours are nearly over, where its
    contact has another channel to go on to. How many messages that were."""
    asked = _asked(app, now, shut) | {"reason": GAVE_WAY}
    async with app.database.write() as session:
        return len((await session.scalars(GIVE_WAY, asked)).all())


async def open_contacts(
    app: Application, now: datetime, full: Collection[ChannelKind] = (), shut: Collection[ChannelKind] = ()
) -> int:
    """Open up to a batch of planned contacts that are due; none whose next channel is `full`.

    In their last half hour (`LAST_CALL`) they pass over channels whose carriers are not there (`shut`) where one after
    these is. How many were dealt with, in one transaction.
    """
    async with app.database.write() as session:
        asked = _asked(app, now, shut) | {"full": [channel.value for channel in full]}
        rows = (await session.execute(DUE, asked)).all()
        if not rows:
            return 0
        # Clients are locked before their contacts, as a decision does: in the other order the two could deadlock.
        clients = [row.client_id for row in rows]
        await lock_clients(session, clients)
        await session.execute(DROP_MOOT, {"contacts": [row.id for row in rows]})
        opening = await _Opening.read(session, app, clients, now, shut)
        contacts = select(Contact).where(
            Contact.id.in_([row.id for row in rows]), Contact.state == ContactState.PLANNED
        )
        for contact in await session.scalars(contacts.with_for_update(skip_locked=True)):
            await opening.open(contact)
        return len(rows)


def _asked(app: Application, now: datetime, shut: Collection[ChannelKind]) -> dict[str, Any]:
    return {
        "usable": [channel.value for channel in app.channels],
        "shut": [channel.value for channel in shut],
        "now": now,
        "last_call": now + LAST_CALL,
        "most": BATCH,
    }


@dataclass(frozen=True, slots=True)
class _Opening:
    """Everything it takes to open the contacts of some clients."""

    session: WriteSession
    app: Application
    now: datetime
    situations: Situations
    clients: Mapping[int, Client]
    addresses: Mapping[tuple[int, str], Address]
    cases: Mapping[int, Case]
    held: frozenset[int]
    pauses: Mapping[int, Sequence[Pause]]
    shut: Collection[ChannelKind]

    @classmethod
    async def read(
        cls,
        session: WriteSession,
        app: Application,
        clients: Sequence[int],
        now: datetime,
        shut: Collection[ChannelKind],
    ) -> _Opening:
        people = await session.scalars(select(Client).where(Client.id.in_(clients)))
        usable = select(Address).where(
            Address.client_id.in_(clients), Address.dead_since.is_(None), Address.opted_out_at.is_(None)
        )
        working = or_(Case.closed_at.is_(None), Case.ending == Ending.WORKED)
        cases = await session.scalars(select(Case).where(Case.client_id.in_(clients), working))
        held = select(Conversation.client_id).where(
            Conversation.client_id.in_(clients), Conversation.owner != Owner.BOT, Conversation.last_at >= now - HELD
        )
        return cls(
            session,
            app,
            now,
            await Situations.read(session, app, clients, now),
            {client.id: client for client in people},
            {(one.client_id, one.channel): one for one in await session.scalars(usable.order_by(Address.id))},
            {case.id: case for case in cases},
            frozenset(await session.scalars(held)),
            await pauses_of(session, clients),
            shut,
        )

    async def open(self, contact: Contact) -> None:
        client = self.clients[contact.client_id]
        case = self.cases.get(contact.case_id) if contact.case_id is not None else None
        of_a_stage = contact.occasion == Occasion.STAGE
        if (of_a_stage and case is None) or not self.situations.warrants(contact, case):
            contact.state = ContactState.SUPERSEDED
        elif contact.script not in self.app.scripts:
            self._unreachable(contact, f"there is no script '{contact.script}'")
        elif (facts := self._facts(contact, client)) is None:
            contact.state = ContactState.SUPERSEDED
        elif (later := self._not_before(contact, client, facts)) is not None:
            contact.send_from, contact.send_until = self.app.hours.next_span(later, zone(client.timezone))
        elif (address := self._reachable(contact)) is None:
            self._unreachable(contact, ", ".join(contact.channels))
        else:
            contact.state = ContactState.OPENED
            await self._talk(contact, client, address, facts)

    def _facts(self, contact: Contact, client: Client) -> Facts | None:
        """What may be said; None when what the script is about is no longer there to be spoken of."""
        facts = self.situations.facts(client, contact.currency, contact.id, contact)
        matter = self.app.scripts[contact.script].matter
        return facts if not matter or facts.due(matter) is not None else None

    def _not_before(self, contact: Contact, client: Client, facts: Facts) -> datetime | None:
        """When a contact may be looked at again that cannot be made now; a person's own may be made in a pause."""
        tz = zone(client.timezone)
        until = paused_until(self.pauses.get(client.id, ()), local_day(self.now, tz))
        if until is not None and contact.occasion != Occasion.ADDED:
            return at_local(until, time(), tz)
        if contact.send_until <= self.now or client.id in self.held:
            return max(self.now, contact.send_until)
        if contact.script == LIMITED and facts.restricted_on is None:
            return self.now + ANSWERED
        return None

    def _unreachable(self, contact: Contact, why: str) -> None:
        contact.state = ContactState.UNREACHABLE
        told = {"script": contact.script, "why": why}
        note(self.session, contact.client_id, self.now, "unreachable", case=contact.case_id, **told)

    async def _talk(self, contact: Contact, client: Client, address: Address, facts: Facts) -> None:
        talk = open_talk(self.session, self.app, client, address, contact.script, contact.currency, self.now, contact)
        alone = not ChannelKind(address.channel).overheard
        turn = start(self.app.scripts[contact.script], facts, client.language, self.now, identified=alone)
        slot = Slot(contact.send_from, contact.send_until, BULK, contact.id)
        await take_turn(self.session, self.app, talk, turn, f"contact:{contact.id}", self.now, slot)

    def _reachable(self, contact: Contact) -> Address | None:
        """The address of the first channel not tried yet that is switched on, alive and not opted out.

        At the last call one whose carrier is not there is passed over for one whose carrier is.
        """
        ways = [
            (place, address)
            for place, channel in enumerate(contact.channels[contact.tried :], contact.tried + 1)
            if ChannelKind(channel) in self.app.channels
            and (address := self.addresses.get((contact.client_id, channel))) is not None
        ]
        if contact.send_until <= self.now + LAST_CALL:
            ways = [way for way in ways if way[1].channel not in self.shut] or ways
        contact.tried, address = ways[0] if ways else (len(contact.channels), None)
        return address
