"""kill -9 while an import writes: nothing of the file is in, and the same file goes in whole afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import make_url

from engine.store.session import Database

BILLS = "invoice,account,issued,due,amount,balance\n"
DUE = date(2026, 2, 1)
KNOWN = 40
PATIENCE = 60
WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()
"""
STATE = """
select (select count(*) from invoices), (select count(*) from ledger_entries), (select sum(balance) from invoices),
       (select count(*) from changed_clients)
"""


@pytest.fixture
async def plain(database: Database) -> str:
    """The address of a store in which Ana has many bills, all unpaid."""
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session, "ana", sms="+40712345678")
        for number in range(KNOWN):
            await given_invoice(session, ana, f"I{number}", "100", DUE)
    return make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)


def start(database: Database, file: Path) -> subprocess.Popen[bytes]:
    program = "import sys; from bot.cli import main; sys.argv = sys.argv[1:]; main()"
    words = ["amiable", "import", "invoices", str(file)]
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "AMIABLE_DATABASE_URL": database.url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def wait_for(connection: psycopg.Connection[Any], query: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while connection.execute(query).fetchone() != (wanted,):
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "held",
    [
        "select from clients for update",
        "select from invoices where ref = 'I39' for update",
        "lock table case_events, changed_clients",
    ],
    ids=["before it locks", "its entries half booked", "the clients half marked"],
)
async def test_a_killed_import_leaves_nothing_and_the_next_one_takes_all_in(
    database: Database, plain: str, tmp_path: Path, held: str
) -> None:
    file = tmp_path / "bills.csv"
    known = "".join(f"I{number},A1,{DUE},{DUE},100,{number}\n" for number in range(KNOWN))
    file.write_text(f"{BILLS}{known}N1,A1,{DUE},{DUE},50,\n")
    with psycopg.connect(plain, autocommit=True) as watcher, psycopg.connect(plain) as holder:
        before = watcher.execute(STATE).fetchone()
        holder.execute(held.encode())
        running = start(database, file)
        wait_for(watcher, WAITING, 1)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        holder.rollback()
        wait_for(watcher, WAITING, 0)
        wait_for(watcher, "select count(*) from pg_locks where locktype = 'advisory'", 0)
        assert watcher.execute(STATE).fetchone() == before
        again = start(database, file)
        _, told = again.communicate(timeout=PATIENCE)
        assert again.returncode == 0, told.decode()
        owed = 100 * sum(range(KNOWN)) + 5000
        assert (watcher.execute(STATE).fetchone() or ())[:3] == (KNOWN + 1, 2 * KNOWN + 1, owed)
