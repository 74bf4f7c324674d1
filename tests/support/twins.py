"""Two databases that begin the same, and what has come of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text

from engine.store.databases import drop_database
from engine.store.session import Database


@contextmanager
def copied(url: str, name: str) -> Iterator[str]:
    """The address of a copy of the database at `url`, which nobody may be using; it is dropped afterwards."""
    there, admin = make_url(url), make_url(url).set(database="postgres").render_as_string(hide_password=False)
    assert there.database is not None
    with psycopg.connect(plain(admin), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(there.database)
            )
        )
    try:
        yield there.set(database=name).render_as_string(hide_password=False)
    finally:
        drop_database(admin, name)


def plain(url: str) -> str:
    """The address as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


WORK = text("""
select 'decision', client_id, plan_name, currency, day, at, key, says::text from decisions
union all
select 'case', client_id, plan_name, currency, started_on, closed_at, told,
       concat_ws(' ', cycle, stage, entered, ending, stage_entered_on, closed_on) from cases
union all
select 'contact', c.client_id, p.name, c.currency, null, c.planned_at, c.state,
       concat_ws(' ', c.occasion, c.source, c.stage, c.action, c.touch, c.script, c.channels, c.send_from, c.send_until)
from contacts c join plans p on p.id = c.plan_id
union all
select 'order', o.client_id, k.plan_name, k.currency, null, o.ordered_at, o.verb,
       concat_ws(' ', k.cycle, o.stage, o.account_id) from service_orders o join cases k on k.id = o.case_id
union all
select 'task', client_id, kind, null, null, created_at, reason, source from tasks
union all
select 'event', client_id, null, null, null, at, kind, detail::text from case_events
order by 1, 2, 3, 4, 5, 6, 7, 8
""")


async def work_in(database: Database) -> list[tuple[Any, ...]]:
    """All that was decided, done and noted, without the numbers that cases and the like got."""
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(WORK)]
