"""`amiable bench reply`: from the row of a client's SMS in the inbox to the claim of our answer, at a steady rate.

The whole application runs as `amiable run` does, but for its clock: webhooks over HTTP, inbox, turn, sender, bells. The
subscribers and their carrier are another process on loopback, and do not wait for answers: who is late is late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from statistics import quantiles
from time import perf_counter
from typing import NamedTuple

import psycopg
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from sqlalchemy import text

from bot.arrivals import SMS
from bot.bench.address import plain
from bot.bench.figures import Asked, Baseline, Figures
from bot.bench.gauge import Cost, cost_of
from bot.bench.profiling import profiled, tell_statements
from bot.bench.queued import NOW, queue, reminded
from bot.bench.stores import bench_stores
from bot.bench.subscribers import Account, Texting, subscribers
from bot.port import bind
from bot.running import Part, working
from bot.sandbox import MAIL_DOMAIN, OUR_NUMBER, Keys
from bot.server import serving
from bot.settings import Settings
from bot.wiring import wire
from channels.signatures import form_pairs
from engine.calendar import AnyHour
from engine.store.session import Database
from engine.store.tables.base import Sealed

FULL, CALM = 200, 20
"""Replies a second: as many as we want to keep up with, and a calm hour's."""
WARMING = 50
"""So many reply before those that count: statements are planned, and what is read once is read."""
PATIENCE_SECONDS = 8.0
"""When nothing has been claimed for so long, nothing more will be."""
LOOK_SECONDS = 0.5
NOWHERE = "127.0.0.1:9"

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


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """A tenth of the replies at a calm pace, then all at full pace; each holds if everybody was answered.

    The milliseconds are told, not judged.
    """
    warming, calm = range(1, WARMING + 1), range(WARMING + 1, WARMING + 1 + max(asked.size // 10, 2))
    full = range(calm.stop, calm.stop + asked.size)
    with bench_stores(asked.settings) as stores, stores.copy(await queue(stores, full.stop)) as url:
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("update conversations set state = %s", [Jsonb(reminded().state.to_json())])
            for statement in READY:
                connection.execute(statement)
        async with _running(url) as (database, line):
            asked.watch("warming up", 0, 0)
            await _answered(database, line, Texting(_numbers(warming), CALM))
            for some, pace in ((calm, CALM), (full, FULL)):
                asked.watch(f"{pace} replies a second", 0, 0)
                with cost_of(url) as cost, profiled(wanted=asked.profile and pace == FULL):
                    posting = await _answered(database, line, Texting(_numbers(some), pace))
                yield _figures(pace, len(some), await _paths(database, _numbers(some)), cost, posting)
                if asked.profile:
                    tell_statements(cost)


def _numbers(some: range) -> list[str]:
    """The telephone numbers of these clients of the queue."""
    return [f"+407{number:08d}" for number in some]


def _figures(pace: int, size: int, paths: Sequence[Path], cost: Cost, posting: float) -> Figures:
    seconds = max(path.claimed for path in paths) - min(path.heard for path in paths)
    wanted = Baseline(f"{pace} a second", size / pace)
    cuts = quantiles((1000 * (path.claimed - path.heard) for path in paths), n=100, method="inclusive")
    told = {
        **{f"p{cut}_ms": round(cuts[cut - 1], 1) for cut in (50, 95, 99)},
        "kept_pace": round(min(wanted.seconds / seconds, 1.0), 3),
        "posted_per_second": round(size / posting, 1),
        "cpu_ms": {"own": round(1000 * cost.own_cpu / size, 2), "server": round(1000 * cost.server_cpu / size, 2)},
    }
    return Figures("reply", size, seconds, wanted, cost.peak_mb, told, holds=len(paths) == size)


@asynccontextmanager
async def _running(url: str) -> AsyncIterator[tuple[Database, Connection]]:
    """The application at work, and the line to its subscribers."""
    listening = bind("127.0.0.1", 0)
    keys, public_url = Keys.new(), f"http://127.0.0.1:{listening.getsockname()[1]}"
    with subscribers(Account(keys.account, keys.token, public_url)) as (carrier, line):
        settings = Settings(
            public_url=public_url,
            twilio_api_url=carrier,
            twilio_account_sid=keys.account,
            twilio_auth_token=SecretStr(keys.token),
            twilio_number=OUR_NUMBER,
            smtp_url=f"smtp://{NOWHERE}",
            mail_domain=MAIL_DOMAIN,
            payments_url=f"http://{NOWHERE}",
            payments_key=SecretStr(keys.payments),
            payments_webhook_secret=SecretStr(keys.payments_webhook),
        )
        wired = wire(settings, url, lambda: NOW, AnyHour())
        try:
            async with (
                serving(wired, listening, ("127.0.0.1", 0), MAIL_DOMAIN),
                working(wired.app, [Part.INBOX, Part.SENDER]),
            ):
                yield wired.app.database, line
        finally:
            await wired.close()


async def _answered(database: Database, line: Connection, texting: Texting) -> float:
    """Have these reply; wait until all are answered or no more comes. Seconds it took to post what they said."""
    there = await _attempts(database)
    all_of_them = there + len(texting.numbers)
    line.send(texting)
    posting = float(await asyncio.to_thread(line.recv))
    since = perf_counter()
    while there < all_of_them and perf_counter() - since < PATIENCE_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        before, there = there, await _attempts(database)
        since = since if there == before else perf_counter()
    return posting


async def _attempts(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(ANSWERED) or 0)


async def _paths(database: Database, numbers: Sequence[str]) -> list[Path]:
    """The ways of those of these who have been answered."""
    async with database.read() as session:
        replies = await session.execute(HEARD, {"provider": SMS})
        heard = {dict(form_pairs(row.raw))["From"]: float(row.at) for row in replies}
        claimed = {row.number: float(row.at) for row in await session.execute(CLAIMED)}
    return [Path(heard[number], claimed[number]) for number in numbers if number in claimed]
