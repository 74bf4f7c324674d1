"""Finding clients: by number, account, phone or mail through indexes; by name, which is never compared in SQL, here."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, exists, func, select

from bot.console.standings import Standing, standings
from engine.contact import ChannelKind
from engine.promise import PromiseState
from engine.store.addresses import BadAddress, blind_index
from engine.store.session import ReadSession
from engine.store.tables.casework import Case
from engine.store.tables.ledger import Promise
from engine.store.tables.portfolio import Account, Address, Client, Invoice
from engine.store.tables.talk import Conversation, Owner

PAGE = 50
BATCH = 2000
SAME = str.maketrans({"ё": "е", "є": "е", "’": "'", "ʼ": "'", "`": "'"})


class Filter(StrEnum):
    """Which clients the list shows."""

    WORKED = "worked"
    OWING = "owing"
    PROMISED = "promised"
    PEOPLE = "people"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Found:
    """One client of the list."""

    id: int
    ref: str
    name: str
    language: str
    kind: str
    channels: tuple[str, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list; `after` is the key of the next one, None on the last."""

    clients: Sequence[Found]
    after: int | None


async def find_clients(session: ReadSession, asked: str, kept: Filter, after: int, now: datetime) -> Page:
    """A page of clients, in the order in which they came to us, those with a key above `after`."""
    statement = _kept(select(Client.id, Client.name).where(Client.id > after), kept, now).order_by(Client.id)
    asked = asked.strip()
    exact = await _exact(session, asked) if asked else set()
    if exact:
        statement = statement.where(Client.id.in_(exact))
        asked = ""
    ids = await _named(session, statement, folded(asked))
    more = ids[PAGE - 1] if len(ids) > PAGE else None
    return Page(await _rows(session, ids[:PAGE], now), more)


def folded(name: str) -> str:
    """A name as it is compared: without case, accents, or the difference of е and ё."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(SAME))
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


async def _exact(session: ReadSession, asked: str) -> set[int]:
    """Clients whose number, account or address is exactly what was asked for."""
    lookups = []
    for kind in ChannelKind:
        try:
            lookups.append(blind_index(kind, asked))
        except BadAddress:
            continue
    refs = [asked, asked.upper()]
    found = set(await session.scalars(select(Client.id).where(Client.ref.in_(refs))))
    found |= set(await session.scalars(select(Account.client_id).where(Account.ref.in_(refs))))
    return found | set(await session.scalars(select(Address.client_id).where(Address.lookup.in_(lookups))))


async def _named(session: ReadSession, statement: Select[int, str], asked: str) -> list[int]:
    """One more than a page of ids whose name has every word asked for."""
    wanted = asked.split()
    ids: list[int] = []
    after = 0
    while len(ids) <= PAGE:
        limit = BATCH if wanted else PAGE + 1
        batch = (await session.execute(statement.where(Client.id > after).limit(limit))).all()
        for number, name in batch:
            if not wanted or all(word in folded(name) for word in wanted):
                ids.append(number)
        if len(batch) < limit:
            break
        after = batch[-1][0]
    return ids[: PAGE + 1]


async def _rows(session: ReadSession, ids: Sequence[int], now: datetime) -> Sequence[Found]:
    stand = await standings(session, ids, now)
    channels: dict[int, list[str]] = {}
    reachable = select(Address.client_id, Address.channel).where(
        Address.client_id.in_(ids), Address.dead_since.is_(None), Address.opted_out_at.is_(None)
    )
    for client, channel in await session.execute(reachable):
        channels.setdefault(client, []).append(channel)
    rows = await session.scalars(select(Client).where(Client.id.in_(ids)).order_by(Client.id))
    return [
        Found(
            row.id,
            row.ref,
            row.name,
            row.language,
            row.kind,
            tuple(kind for kind in ChannelKind if kind in channels.get(row.id, [])),
            stand.get(row.id),
        )
        for row in rows
    ]


def _kept(statement: Select[int, str], kept: Filter, now: datetime) -> Select[int, str]:
    match kept:
        case Filter.WORKED:
            return statement.where(exists().where(Case.client_id == Client.id, Case.closed_at.is_(None)))
        case Filter.OWING:
            today = func.date(func.timezone(Client.timezone, now))
            return statement.where(
                exists().where(Invoice.client_id == Client.id, Invoice.balance > 0, Invoice.due <= today)
            )
        case Filter.PROMISED:
            return statement.where(exists().where(Promise.client_id == Client.id, Promise.state == PromiseState.OPEN))
        case Filter.PEOPLE:
            return statement.where(exists().where(Conversation.client_id == Client.id, Conversation.owner != Owner.BOT))
        case Filter.ALL:
            return statement
