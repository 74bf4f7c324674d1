"""Rows on their way in: temporary tables filled by COPY, and the locks that taking rows in needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import psycopg

from engine.store.session import WriteSession, copy_in, driver

Given_contra = TypeVar("Given_contra", contravariant=True)

IMPORTING = 0x616D6961626C65
"""Number of the advisory lock of an import: what one reads before it writes, no other may add or change."""


class UnknownOwner(LookupError):
    """A row belongs to a group, client, account or invoice that does not exist, or is in another currency."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of rows; those neither added nor changed were the same.

    `clients` are the ids of those whose debt changed, ascending.

    To those in `reopened` a debt came back that had been settled: they are decided at once, worked or not.
    """

    added: int
    changed: int
    clients: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()


Cursor = psycopg.AsyncCursor[Any]


@dataclass(frozen=True, slots=True)
class Unread:
    """Which rows of the sheet `s` are to be read one by one: the joins and conditions that let them through.

    `wording` is the expression for the digest of what such a row says of what never changes.
    """

    chosen: str = ""
    wording: str = "null::bigint"


class Taking(Protocol[Given_contra]):
    """How rows of one kind are taken in: gathered part by part in tables of the transaction, then written together."""

    async def gather(self, rows: Sequence[Given_contra]) -> None:
        """Add rows, which are trusted to be good. Raises UnknownOwner."""
        ...

    async def sift(self) -> Unread:
        """Gather from the sheet what can be gathered without reading its rows one by one."""
        ...

    async def write(self) -> Taken:
        """Write what was gathered. Raises UnknownOwner."""
        ...


async def import_alone(session: WriteSession) -> Cursor:
    """Wait until no other transaction imports, and keep others waiting until this one ends. A cursor of it."""
    connection = await driver(session)
    await connection.execute("set local jit = off")  # compiling takes longer than any statement of an import gains
    return await connection.execute("select pg_advisory_xact_lock(%s)", (IMPORTING,))


async def lay(cursor: Cursor, table: str, columns: Mapping[str, str]) -> None:
    """Make the temporary table `table`, its columns by name and type, or empty it."""
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    await cursor.execute(f"create temporary table if not exists {table} ({listed}) on commit delete rows")
    await cursor.execute(f"truncate {table}")


async def fill(cursor: Cursor, table: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows to a table as `lay` makes it."""
    await copy_in(cursor, table, list(columns.values()), rows)


async def lock(cursor: Cursor, clients: str) -> None:
    """Hold the clients whose ids the query gives, as `engine.store.session.lock_clients` does, however many.

    Each is looked up by its key, in order: of all clients there are they may be few.
    """
    await cursor.execute(f"""
select count(*) from (select distinct id from ({clients}) named(id) order by id) named
cross join lateral (select id from clients where id = named.id offset 0 for no key update) held
""")


async def all_placed(cursor: Cursor, orphan: str) -> None:
    """Raise UnknownOwner with the first row that the query finds to belong nowhere."""
    await cursor.execute(f"{orphan} limit 1")
    row = await cursor.fetchone()
    if row is not None:
        raise UnknownOwner(f"'{row[0]}' belongs to '{row[1]}', which does not exist or has another currency")
