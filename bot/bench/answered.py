"""How long replies waited for their answers: from the row of each in the inbox to the claim of what is said to it.

Both moments are noted by the store itself, whoever does the work and in how many processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from multiprocessing.connection import Connection
from statistics import quantiles
from time import perf_counter
from typing import NamedTuple

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import text

from bot.arrivals import SMS
from bot.bench.address import plain
from bot.bench.figures import Baseline, Figures
from bot.bench.gauge import Cost
from bot.bench.queued import reminded
from bot.bench.subscribers import Texting
from channels.signatures import form_pairs
from engine.store.session import Database
from engine.store.tables.base import Sealed

PATIENCE_SECONDS = 8.0
"""When nothing has been claimed for so long, nothing more will be."""
LOOK_SECONDS = 0.5

READY = (
    "update outbound set state = 'delivered', tries = 1, settled_at = send_from",
    "update addresses set lookup = sha256(convert_to('sms:+407' || lpad(id::text, 8, '0'), 'utf8'))",
    "alter table inbox add column stamped timestamptz default clock_timestamp()",
    "alter table attempts add column stamped timestamptz default clock_timestamp()",
    "analyze",
)
"""Everybody has had their reminder and may answer; the store notes by itself when a row comes."""

HEARD = text("select raw, extract(epoch from stamped) as at from inbox where provider = :provider")
CLAIMED = text("""
select d.sealed as number, extract(epoch from min(a.stamped)) as at
from attempts a join outbound o on o.id = a.outbound_id join addresses d on d.id = o.address_id group by d.sealed
""").columns(number=Sealed)
ANSWERED = text("select count(*) from attempts")


class Path(NamedTuple):
    """When the row of a reply came and when its answer was claimed, in seconds of the store's clock."""

    heard: float
    claimed: float


def make_ready(url: str) -> None:
    """Have the clients of a queue wait for nothing but to reply."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("update conversations set state = %s", [Jsonb(reminded().state.to_json())])
        for statement in READY:
            connection.execute(statement)


def numbers_of(some: range) -> list[str]:
    """The telephone numbers of these clients of the queue."""
    return [f"+407{number:08d}" for number in some]


async def answered(database: Database, line: Connection, texting: Texting) -> None:
    """Have these reply; wait until all are answered or no more is."""
    wanted = await _answers(database) + len(texting.numbers)
    line.send(texting)
    await asyncio.to_thread(line.recv)
    there, since = await _answers(database), perf_counter()
    while there < wanted and perf_counter() - since < PATIENCE_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        before, there = there, await _answers(database)
        since = since if there == before else perf_counter()


async def _answers(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(ANSWERED) or 0)


async def paths(database: Database, numbers: Sequence[str]) -> list[Path]:
    """The ways of those of these who have been answered."""
    async with database.read() as session:
        replies = await session.execute(HEARD, {"provider": SMS})
        heard = {dict(form_pairs(row.raw))["From"]: float(row.at) for row in replies}
        claimed = {row.number: float(row.at) for row in await session.execute(CLAIMED)}
    return [Path(heard[number], claimed[number]) for number in numbers if number in claimed]


def figures_of(run: str, pace: int, size: int, ways: Sequence[Path], cost: Cost, own_cpu: float) -> Figures:
    """What these ways come to; it holds if everybody was answered. The milliseconds are told, not judged."""
    seconds = max(way.claimed for way in ways) - min(way.heard for way in ways)
    wanted = Baseline(f"{pace} a second", size / pace)
    cuts = quantiles((1000 * (way.claimed - way.heard) for way in ways), n=100, method="inclusive")
    told = {
        "run": run,
        **{f"p{cut}_ms": round(cuts[cut - 1], 1) for cut in (50, 95, 99)},
        "kept_pace": round(min(wanted.seconds / seconds, 1.0), 3),
        "cpu_ms": {"own": round(1000 * own_cpu / size, 2), "server": round(1000 * cost.server_cpu / size, 2)},
    }
    return Figures("reply", size, seconds, wanted, cost.peak_mb, told, holds=len(ways) == size)
