"""Clients and their addresses as a feed gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine.contact import ChannelKind
from engine.intake.rows import ClientKind, ClientRow
from engine.intake.stage import Cursor, Taken, Taking, UnknownOwner, Unread, fill, import_alone, lay, lock
from engine.store.addresses import blind_index
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.base import Sealed
from engine.store.tables.portfolio import Client, PlanGroup

CLIENTS = {
    "ref": "text",
    "group_id": "int8",
    "plans": "text[]",
    "kind": "text",
    "name": "bytea",
    "language": "text",
    "timezone": "text",
    "country": "text",
    "fresh": "bool",
    "differs": "bool",
    "stated": "text[]",
}
ADDRESSES = {"ref": "text", "channel": "text", "sealed": "bytea", "lookup": "bytea"}

WRITE = """
insert into clients (ref, group_id, plans, kind, name, language, timezone, country)
select ref, group_id, plans, kind, name, language, timezone, country from incoming_clients where differs
on conflict (ref) do update set group_id = excluded.group_id, plans = excluded.plans, kind = excluded.kind,
  name = excluded.name, timezone = excluded.timezone, country = excluded.country,
  language = case when clients.language_chosen then clients.language else excluded.language end
"""


def _and_count(changes: str, what: str) -> str:
    """A statement that changes addresses, and counts their clients as changed too."""
    return f"""
with {changes}
update incoming_clients p set differs = true
from (select distinct client_id from {what}) a join clients c on c.id = a.client_id
where p.ref = c.ref and not p.differs
"""


def _consent(what: str) -> str:
    """The detail of a line in the ledger of consent (`engine.store.consents`): billing's data is the proof."""
    told = f"'what', '{what}', 'means', 'feed', 'evidence', 'import'"
    return f"jsonb_build_object('address', id, 'channel', channel, {told})"


ADD = _and_count(
    f"""
added as (
  insert into addresses (client_id, channel, sealed, lookup, opted_out_at)
  select c.id, g.channel, g.sealed, g.lookup,
         case when exists (
           select from addresses o where o.lookup = g.lookup and o.channel = g.channel and o.opted_out_at is not null)
         then cast(%(now)s as timestamptz) end
  from incoming_addresses g join clients c on c.ref = g.ref
  on conflict (client_id, channel, lookup) do nothing returning id, client_id, channel, opted_out_at
), noted as (
  insert into case_events (client_id, at, kind, detail)
  select client_id, %(now)s, 'consent', {_consent("opted_out")} from added where opted_out_at is not null
)
""",
    "added",
)
"""Who has opted out has done so for every client whose address it turns out to be."""

NO_LONGER_GIVEN = """
incoming_clients p join clients c on c.ref = p.ref
where x.client_id = c.id and x.channel = any(p.stated) and not exists (
  select from incoming_addresses g where g.ref = p.ref and g.channel = x.channel and g.lookup = x.lookup
)
"""

REMOVE = _and_count(
    f"""
removed as (
  delete from addresses x using {NO_LONGER_GIVEN}
    and x.opted_out_at is null
    and not exists (select from conversations t where t.address_id = x.id)
    and not exists (select from outbound o where o.address_id = x.id)
  returning x.client_id
)
""",
    "removed",
)


RETIRE = _and_count(
    f"""
retired as (
  update addresses x set dead_since = %(now)s from {NO_LONGER_GIVEN} and x.dead_since is null
  returning x.id, x.client_id, x.channel
), noted as (
  insert into case_events (client_id, at, kind, detail)
  select client_id, %(now)s, 'consent', {_consent("unusable")} from retired
)
""",
    "retired",
)

REVIVE = _and_count(
    f"""
revived as (
  update addresses x set dead_since = null
  from incoming_addresses g join clients c on c.ref = g.ref
  where x.client_id = c.id and x.channel = g.channel and x.lookup = g.lookup and x.dead_since is not null and exists (
    select from case_events e
    where e.client_id = c.id and e.kind = 'consent' and e.at = x.dead_since
      and e.detail @> jsonb_build_object('address', x.id, 'what', 'unusable', 'means', 'feed')
  )
  returning x.id, x.client_id, x.channel
), noted as (
  insert into case_events (client_id, at, kind, detail)
  select client_id, %(now)s, 'consent', {_consent("usable")} from revived
)
""",
    "revived",
)

COUNT = "select count(*) filter (where fresh), count(*) filter (where differs and not fresh) from incoming_clients"


@dataclass(frozen=True, slots=True)
class _Profile:
    """What a feed decides about a client, unless the client has chosen the language."""

    group_id: int
    plans: tuple[str, ...]
    kind: str
    name: str
    language: str
    timezone: str
    country: str | None
    language_chosen: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    """What a row makes of a client; `was` is None for a new one."""

    row: ClientRow
    was: _Profile | None
    profile: _Profile

    @property
    def differs(self) -> bool:
        return self.profile != self.was


class Clients(Taking[ClientRow]):
    """The clients of one import."""

    def __init__(self, session: WriteSession, cursor: Cursor, now: datetime) -> None:
        self._session, self._cursor, self._now = session, cursor, now
        self._groups: dict[str, int] = {}

    async def gather(self, rows: Sequence[ClientRow]) -> None:
        """Add rows. Raises UnknownOwner for a group that does not exist."""
        if not self._groups:
            self._groups = {row.name: row.id for row in await self._session.scalars(select(PlanGroup))}
        seal = _sealing(self._session)
        before = await _before(self._session, [row.client for row in rows])
        staged = [_staged(_change(row, before.get(row.client), self._groups), seal) for row in rows]
        await fill(self._cursor, "incoming_clients", CLIENTS, staged)
        await fill(self._cursor, "incoming_addresses", ADDRESSES, _addresses(rows, seal))

    async def sift(self) -> Unread:
        """Which rows of the sheet are to be read: every one, for names and addresses are not compared in SQL."""
        return Unread()

    async def write(self) -> Taken:
        """Add clients and update those that are there.

        A language a client chose in a talk is theirs and stays. An address no longer given goes; one that was spoken
        on, or opted out, is kept but used no more until it is given again. Nothing given revives an address that a
        carrier found dead, or ends an opt-out.
        """
        cursor = self._cursor
        await cursor.execute("analyze incoming_clients; analyze incoming_addresses")
        await lock(cursor, "select c.id from incoming_clients i join clients c on c.ref = i.ref")
        for statement in (WRITE, ADD, REMOVE, RETIRE, REVIVE):
            await cursor.execute(statement, {"now": self._now})
        await cursor.execute(COUNT)
        ((added, changed),) = await cursor.fetchall()
        return Taken(added, changed)


async def clients(session: WriteSession, now: datetime) -> Clients:
    """A taking of clients, empty. No other transaction imports until this one ends."""
    cursor = await import_alone(session)
    await lay(cursor, "incoming_clients", CLIENTS)
    await lay(cursor, "incoming_addresses", ADDRESSES)
    return Clients(session, cursor, now)


def _change(row: ClientRow, was: _Profile | None, groups: Mapping[str, int]) -> _Change:
    if row.group not in groups:
        raise UnknownOwner(f"'{row.client}' belongs to the group '{row.group}', which does not exist")
    return _Change(row, was, _merged(row, was, groups[row.group]))


async def _before(session: ReadSession, refs: Sequence[str]) -> dict[str, _Profile]:
    """The clients as they are. Names are compared here and not in SQL, for what is stored of them may be ciphertext."""
    rows = await session.execute(
        select(
            Client.ref,
            Client.group_id,
            Client.plans,
            Client.kind,
            Client.name,
            Client.language,
            Client.timezone,
            Client.country,
            Client.language_chosen,
        ).where(Client.ref.in_(refs))
    )
    return {
        row.ref: _Profile(
            row.group_id,
            tuple(row.plans),
            row.kind,
            row.name,
            row.language,
            row.timezone,
            row.country,
            row.language_chosen,
        )
        for row in rows
    }


def _merged(row: ClientRow, was: _Profile | None, group: int) -> _Profile:
    kept = was or _Profile(group, (), ClientKind.PERSON, "", "", "", None)
    return _Profile(
        group_id=group,
        plans=kept.plans if row.plans is None else row.plans,
        kind=kept.kind if row.kind is None else row.kind.value,
        name=row.name,
        language=kept.language if kept.language_chosen else row.language,
        timezone=row.timezone,
        country=kept.country if row.country is None else row.country or None,
        language_chosen=kept.language_chosen,
    )


def _sealing(session: WriteSession) -> Callable[[str], bytes | None]:
    sealed, dialect = Sealed(), session.get_bind().dialect
    return lambda text: sealed.process_bind_param(text, dialect)


def _staged(change: _Change, seal: Callable[[str], bytes | None]) -> tuple[Any, ...]:
    profile, row = change.profile, change.row
    stated = [channel.value for channel in ChannelKind if _given(row, channel) is not None]
    return (
        row.client,
        profile.group_id,
        list(profile.plans),
        profile.kind,
        seal(profile.name),
        profile.language,
        profile.timezone,
        profile.country,
        change.was is None,
        change.differs,
        stated,
    )


def _addresses(rows: Iterable[ClientRow], seal: Callable[[str], bytes | None]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for channel in ChannelKind:
            address = _given(row, channel)
            if address:
                yield row.client, channel.value, seal(address), blind_index(channel, address)


def _given(row: ClientRow, channel: ChannelKind) -> str | None:
    match channel:
        case ChannelKind.SMS:
            return row.sms
        case ChannelKind.VOICE:
            return row.voice
        case ChannelKind.EMAIL:
            return row.email
        case ChannelKind.TELEGRAM:
            return row.telegram
