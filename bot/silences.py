"""Nobody answers: the rungs of silence ladders that are due. Each is taken and done in one transaction, or not at all.

A rung means nothing once the talk has another turn, a person has it, its address is opted out, nothing is owed, or the
client has written elsewhere. While a newer talk, a pause or the plan's limits on contacts leave no room for it, a rung
is passed over, and the ladder goes on; a person is told all the same. What is said goes by the queue, in the client's
hours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.application import Application
from bot.outreach import HELD
from bot.sending.parking import complain
from bot.situation import Situations, outstanding
from bot.speaking import BULK, Slot, await_answer, open_talk, take_turn
from dialogs.facts import Facts
from dialogs.reading.reading import Intent
from dialogs.silence import silent
from dialogs.state import State
from dialogs.turn import Turn, start
from dialogs.walk import Walk
from engine.apply import Source, apply
from engine.calendar import zone
from engine.contact import ChannelKind
from engine.outcome import Handover, NotAnswered, OperatorRequested, OtherWay
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.casework import Contact
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.silence import Silence
from engine.store.tables.talk import Conversation, Owner

BATCH = 100
AGAIN = timedelta(hours=1)
"""After this a rung is taken up again that could not even be handed over."""

TAKE = text("""
with due as (
  select conversation_id, turn, rung from silences where due_at <= :now
  order by due_at, conversation_id, turn limit :most for update skip locked
), taken as (
  delete from silences s using due
  where s.conversation_id = due.conversation_id and s.turn = due.turn and s.rung = due.rung
  returning s.conversation_id, s.turn, s.rung
)
select taken.conversation_id, taken.turn, taken.rung, t.client_id
from taken join conversations t on t.id = taken.conversation_id
order by taken.conversation_id, taken.turn
""")

STANDING = text("""
select t.id,
  exists (select from conversations o where o.client_id = t.client_id and o.id <> t.id and o.opened_at > t.last_at)
  or exists (
    select from dunning_pauses p where p.client_id = t.client_id and p.starts <= today.day and p.ends > today.day)
  or exists (
    select from contacts n
    where n.client_id = t.client_id and n.id is distinct from t.contact_id and n.state in ('planned', 'opened')
      and (n.planned_at at time zone c.timezone)::date > today.day - gap.days) as alone
from conversations t
join addresses a on a.id = t.address_id
join clients c on c.id = t.client_id
cross join lateral (select (:now at time zone c.timezone)::date as day) today
cross join lateral (
  select coalesce(max((v.terms ->> 'min_days_between_contacts')::int), 0) as days from plans v
  where v.in_force and plan_applies(c.group_id, c.plans, v.group_id, v.name, v.standard)) gap
where t.id = any(:talks) and t.owner = 'bot' and a.opted_out_at is null
  and not exists (
    select from conversations o
    where o.client_id = t.client_id and o.id <> t.id
      and (o.owner <> 'bot' and o.last_at >= :held
           or exists (select from messages m
                      where m.conversation_id = o.id and m.author = 'client' and m.at > t.last_at)))
for update of t
""")
"""The talks that still wait, and whether the client is to be left alone for now, for what the plan says of the distance
between contacts counts here as well."""


class _Rung(NamedTuple):
    """A rung that is due: of which talk and turn, and whose."""

    talk: int
    turn: int
    rung: int
    client: int


async def next_silence(session: ReadSession, before: datetime) -> datetime | None:
    """When the next rung is due; None where none is before that moment."""
    due = select(Silence.due_at).where(Silence.due_at < before).order_by(Silence.due_at).limit(1)
    return await session.scalar(due)


async def break_silences(app: Application, now: datetime) -> int:
    """Do every rung that is due, one of a talk. How many were taken up.

    Where one of several breaks their transaction, that many are taken one by one before the next batch.
    """
    broken, singly = 0, 0
    while True:
        taken: list[_Rung] = []
        try:
            await _round(app, now, 1 if singly else BATCH, taken)
        except (OperationalError, InterfaceError):
            raise
        except Exception as fault:
            if not taken:
                raise
            if len(taken) > 1:
                singly = len(taken)
                continue
            complain("a silence could not be broken", fault, conversation=taken[0].talk)
            await _give_up(app, taken[0], fault, now)
        if not taken:
            return broken
        broken += len(taken)
        singly = max(singly - 1, 0)


async def _round(app: Application, now: datetime, most: int, taken: list[_Rung]) -> None:
    """Do up to `most` rungs in one transaction; `taken` tells which, also where it breaks."""
    async with app.database.write() as session:
        taken += [_Rung(*row) for row in await session.execute(TAKE, {"now": now, "most": most})]
        if taken:
            breaking = await _Breaking.read(session, app, taken, now)
            for rung in taken:
                await breaking.climb(rung)


async def _give_up(app: Application, rung: _Rung, fault: Exception, now: datetime) -> None:
    """A rung cannot be done for a fault of our own. Where it cannot be handed over either, it stops no other rung."""
    try:
        await _hand_over(app, rung, repr(fault)[:200], now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as worse:  # noqa: BLE001 whatever it was, the others are due as well
        complain("a silence could not be handed over", worse, conversation=rung.talk)
        async with app.database.write() as session:
            place = (Silence.conversation_id == rung.talk, Silence.turn == rung.turn, Silence.rung == rung.rung)
            await session.execute(update(Silence).where(*place).values(due_at=now + AGAIN))


async def _hand_over(app: Application, rung: _Rung, why: str, now: datetime) -> None:
    """A person goes on with the talk of a rung, if it still stands where the rung was written."""
    async with app.database.write() as session:
        await lock_clients(session, [rung.client])
        talk = await session.get_one(Conversation, rung.talk, with_for_update=True)
        place = (rung.talk, rung.turn, rung.rung)
        silence = await session.get(Silence, place, with_for_update={"skip_locked": True})
        if silence is not None:
            await session.delete(silence)
            if talk.owner == Owner.BOT and _waits(talk, rung):
                talk.owner = Owner.WAITING
                source = Source(talk.client_id, talk.address_id, talk.channel, talk.currency, _event(rung))
                await apply(session, [OperatorRequested(Handover.FAULT, why)], source, now)


@dataclass(frozen=True, slots=True)
class _Breaking:
    """Everything it takes to do some rungs. Their clients are locked, then their talks, as a reply locks them."""

    session: WriteSession
    app: Application
    now: datetime
    situations: Situations
    clients: Mapping[int, Client]
    talks: Mapping[int, Conversation]
    left_alone: Collection[int]

    @classmethod
    async def read(cls, session: WriteSession, app: Application, taken: Sequence[_Rung], now: datetime) -> _Breaking:
        clients = sorted({rung.client for rung in taken})
        await lock_clients(session, clients)
        asked = {"talks": [rung.talk for rung in taken], "now": now, "held": now - HELD}
        standing = {row.id: row.alone for row in await session.execute(STANDING, asked)}
        people = await session.scalars(select(Client).where(Client.id.in_(clients)))
        talks = await session.scalars(select(Conversation).where(Conversation.id.in_(standing)))
        return cls(
            session,
            app,
            now,
            await Situations.read(session, app, clients, now),
            {client.id: client for client in people},
            {talk.id: talk for talk in talks},
            {talk for talk, alone in standing.items() if alone},
        )

    async def climb(self, rung: _Rung) -> None:
        """Do a rung of a talk that still waits for this answer."""
        talk = self.talks.get(rung.talk)
        script = self.app.scripts.get(talk.script) if talk else None
        if talk is None or script is None or not _waits(talk, rung):
            return
        facts = self._facts(talk)
        if not outstanding(facts, script.matter):
            return
        turn = silent(script, State.from_json(talk.state), rung.rung, facts, self.now, turn=rung.turn)
        if turn is None:
            return
        if talk.id in self.left_alone and not any(isinstance(one, OperatorRequested) for one in turn.outcomes):
            talk.state = turn.state.to_json()
            await_answer(self.session, self.app, talk, turn.state, self.now)
        else:
            await self._go_on(talk, turn, rung)

    async def _go_on(self, talk: Conversation, turn: Turn, rung: _Rung) -> None:
        """Do what a rung says: here, elsewhere, or both."""
        way = _way(turn, talk)
        address = await self._address(talk, way) if way else None
        if address is not None and way is OtherWay.OTHER_CHANNEL:
            talk.state = turn.state.to_json()
            await self._move(talk, turn, address, _event(rung))
            return
        if address is not None:
            turn = replace(turn, outcomes=())  # no person need call; and if nobody answers the call, the ladder goes on
            await self._call(talk, address, _event(rung))
        here = replace(turn, messages=()) if way else turn  # nobody is called to be reminded
        await take_turn(
            self.session, self.app, talk, here, _event(rung), self.now, self._slot(self.clients[talk.client_id], turn)
        )

    async def _move(self, talk: Conversation, turn: Turn, address: Address, event: str) -> None:
        """Go on with the same question by another address; the rest of the ladder goes along."""
        script = self.app.scripts[talk.script]
        walk = Walk(script, self._facts(talk), replace(turn.state, identified=True))
        walk.say_step(Intent.WHO_ARE_YOU)
        walk.repeat()
        await self._open(talk, address, Turn(walk.state, tuple(walk.messages), ()), event)

    async def _call(self, talk: Conversation, address: Address, event: str) -> None:
        """Begin anew by telephone, with the question who is there."""
        script = self.app.scripts[talk.script]
        turn = start(script, self._facts(talk), talk.language, self.now, identified=False)
        await self._open(talk, address, turn, event)

    async def _open(self, talk: Conversation, address: Address, turn: Turn, event: str) -> None:
        client = self.clients[talk.client_id]
        contact = await self.session.get(Contact, talk.contact_id) if talk.contact_id is not None else None
        other = open_talk(self.session, self.app, client, address, talk.script, talk.currency, self.now, contact)
        other.language = talk.language
        await take_turn(self.session, self.app, other, turn, event, self.now, self._slot(client, turn))

    def _facts(self, talk: Conversation) -> Facts:
        return self.situations.facts(self.clients[talk.client_id], talk.currency, talk.contact_id)

    async def _address(self, talk: Conversation, way: OtherWay) -> Address | None:
        """Where else the client can be reached: by telephone where that is asked for, else by what is read."""
        usual = self.app.channels.keys() & self.app.scripts[talk.script].channels
        wanted = [kind for kind in usual if kind.overheard == (way is OtherWay.CALL)]
        usable = select(Address).where(
            Address.client_id == talk.client_id,
            Address.channel.in_([kind for kind in wanted if kind != talk.channel]),
            Address.dead_since.is_(None),
            Address.opted_out_at.is_(None),
        )
        order = [kind.value for kind in ChannelKind]
        found = (await self.session.scalars(usable.order_by(Address.id))).all()
        return min(found, key=lambda address: order.index(address.channel), default=None)

    def _slot(self, client: Client, turn: Turn) -> Slot:
        start_at, end = self.app.hours.next_span(self.now, zone(client.timezone))
        return Slot(start_at, end, BULK, asked_in=turn.state.turn)


def _way(turn: Turn, talk: Conversation) -> OtherWay | None:
    """By which other way to go on. Who does not answer on the telephone any more is reminded by what they can read."""
    for outcome in turn.outcomes:
        if isinstance(outcome, NotAnswered):
            return outcome.then
    return OtherWay.OTHER_CHANNEL if turn.messages and ChannelKind(talk.channel).overheard else None


def _waits(talk: Conversation, rung: _Rung) -> bool:
    """Whether the talk still stands at the turn of a rung, whatever else its state says."""
    return talk.state.get("turn") == rung.turn and not talk.state.get("done", False)


def _event(rung: _Rung) -> str:
    return f"silence:{rung.talk}:{rung.turn}:{rung.rung}"
