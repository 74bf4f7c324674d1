"""The store of a trial: clients who are all to be written to today, and triggers that see what is done to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bot.prove.trial import START, Trial, Watch
from engine.calendar import AnyHour
from engine.daily import decide_day
from engine.document import read
from engine.store.plans import publish_plans, read_plans
from engine.store.session import Database

FOLDER = Path(__file__).parent
PLAN, CLIENTS, WATCH = FOLDER / "plan.yaml", FOLDER / "clients.sql", FOLDER / "watch.sql"
OVERDUE = timedelta(days=10)


async def open_books(url: str, trial: Trial, watch: Watch) -> None:
    """Fill an empty, migrated database: each client owes a bill, and the day's decision plans a contact for each."""
    database = Database(url)
    try:
        watch("clients who owe", 0, 0)
        async with database.write() as session:
            root = read(PLAN)
            groups = root.mapping(("groups", "plans"))["groups"].texts()
            await publish_plans(session, groups, read_plans(root, "RON"))
        due = START.date() - OVERDUE
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            for statement in _statements(CLIENTS):
                connection.execute(statement, {"clients": trial.contacts, "due": due})
            watch("the day's decision", 0, 0)
            await decide_day(database, START.date(), START, AnyHour())
            for statement in _statements(WATCH):
                connection.execute(statement)
    finally:
        await database.close()


def _statements(file: Path) -> Iterator[bytes]:
    """The statements of a file: blank lines part them."""
    yield from file.read_bytes().split(b"\n\n")
