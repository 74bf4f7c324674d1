"""Rows on their way in: a temporary table filled by COPY, and the locks that taking rows in needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from engine.store.session import WriteSession, driver

IMPORTING = 0x616D6961626C65
"""Number of the advisory lock of an import: what one reads before it writes, no other may add or change."""


class UnknownOwner(LookupError):
    """A row belongs to a group, client, account or invoice that does not exist, or is in another currency."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of rows. `clients` are the ids of those whose debt changed, ascending.

    To those in `reopened` a debt came back that had been settled: they are decided at once, worked or not.
    """

    added: int
    changed: int
    same: int
    clients: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()


async def import_alone(session: WriteSession) -> None:
    """Wait until no other transaction imports, and keep others waiting until this one ends."""
    connection = await driver(session)
    await connection.execute("select pg_advisory_xact_lock(%s)", (IMPORTING,))


async def stage(
    cursor: psycopg.AsyncCursor[Any], table: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Fill the temporary table `table`, its columns by name and type, with these rows and no others."""
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    await cursor.execute(f"create temporary table if not exists {table} ({listed}) on commit delete rows")
    await cursor.execute(f"truncate {table}")
    async with cursor.copy(f"copy {table} from stdin (format binary)") as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            await copy.write_row(row)
    await cursor.execute(f"analyze {table}")


async def lock(cursor: psycopg.AsyncCursor[Any], clients: str, values: tuple[Any, ...] = ()) -> None:
    """Hold the clients whose ids the query gives, as `engine.store.session.lock_clients` does, however many."""
    await cursor.execute(
        f"select count(*) from (select id from clients where id in ({clients}) order by id for no key update) held",
        values,
    )


async def all_placed(cursor: psycopg.AsyncCursor[Any], orphan: str) -> None:
    """Raise UnknownOwner with the first row that the query finds to belong nowhere."""
    await cursor.execute(f"{orphan} limit 1")
    row = await cursor.fetchone()
    if row is not None:
        raise UnknownOwner(f"'{row[0]}' belongs to '{row[1]}', which does not exist or has another currency")
