"""`amiable bench dispatch`: the queue by itself, with words, and how well the sender keeps a slow carrier's places.

The queue by itself is all that sending does but for wording and calling: holding, guards, attempts, leases, answers.
Beside it stands the bare work: the same rows claimed, tried and acknowledged by plain statements, 200 at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import text

from bot.application import Application
from bot.bell import Bell
from bot.bench.address import plain
from bot.bench.figures import Asked, Baseline, Figures
from bot.bench.gauge import cost_of
from bot.bench.queued import NOW, IdleCarrier, application, queue
from bot.bench.stores import bench_stores
from bot.sending.acknowledging import acknowledge
from bot.sending.claim import BATCH, enlist, hold, lanes
from bot.sending.dispatcher import Dispatcher
from bot.sending.packing import Packed, parcels
from bot.sending.sender import send_due
from channels.port import Draft, Receipt
from engine.contact import ChannelKind

SMS = ChannelKind.SMS
WORKERS = 2
"""One claims while the other's answers are written."""
LATENCY, IN_FLIGHT = 0.2, 32
WORDED = 2_000
BODY = "Acme Telecom. 200,00 RON."
BARE = "the same rows by plain statements"
ACCEPTED = text("select count(*) from attempts a join outbound o on o.id = a.outbound_id where o.state = 'accepted'")


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """The three of them, each on a fresh queue."""
    with bench_stores(asked.settings) as stores:
        name = await queue(stores, asked.size)
        asked.watch("the bare work", 0, 0)
        with stores.copy(name) as url:
            bare = Baseline(BARE, _bare(plain(url)))
        asked.watch("the queue by itself", 0, 0)
        with stores.copy(name) as url:
            yield await _queue(url, asked.size, bare)
        asked.watch("with words", 0, 0)
        few = await queue(stores, min(asked.size, WORDED))
        with stores.copy(few) as url:
            yield await _worded(url, min(asked.size, WORDED))
        asked.watch("a slow carrier", 0, 0)
        with stores.copy(few) as url:
            yield await _kept_busy(url, min(asked.size, WORDED))


def _bare(address: str) -> float:
    began = perf_counter()
    with psycopg.connect(address, autocommit=True) as connection:
        while rows := _claimed(connection):
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    "update attempts set state = 'accepted', reference = %s where id = %s",
                    [(str(row[0]), row[0]) for row in rows],
                )
                cursor.execute("update outbound set state = 'accepted' where id = any(%s)", [[row[1] for row in rows]])
    return perf_counter() - began


def _claimed(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The attempts of the next batch, by plain statements in a transaction of their own."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "update outbound set state = 'sending', tries = tries + 1, lease_until = now() + interval '60 s' "
            "where id in (select id from outbound where state = 'ready' order by channel, "
            "priority, send_from, id limit %s for update skip locked) returning id",
            [BATCH],
        )
        rows = [(uuid4(), number, BODY.encode(), b"0" * 32, NOW) for (number,) in cursor.fetchall()]
        if rows:
            cursor.executemany(
                "insert into attempts (id, outbound_id, no, state, body, digest, started_at) "
                "values (%s, %s, 1, 'sending', %s, %s, %s)",
                rows,
            )
        return rows


async def _queue(url: str, size: int, bare: Baseline) -> Figures:
    async with application(url, IdleCarrier(), BATCH) as app:
        with cost_of(url) as cost:
            await asyncio.gather(*(_work(app) for _ in range(WORKERS)))
        async with app.database.read() as session:
            accepted = await session.scalar(ACCEPTED)
    cpu = {"own": round(cost.own_cpu, 3), "server": round(cost.server_cpu, 3)}
    told = {"what": "claim and acknowledge", "cpu": cpu}
    return Figures("dispatch", size, cost.seconds, bare, cost.peak_mb, told, holds=accepted == size)


async def _work(app: Application) -> None:
    room = lanes({SMS: BATCH})
    while True:
        async with app.database.write() as session:
            held = await hold(session, room, {SMS: BATCH}, NOW)
            if not held:
                return
            found = await parcels(session, [one.outbound for one in held])
            packed = [Packed(parcel, Draft(SMS, uuid4(), parcel.to, BODY), BODY) for parcel in found]
            jobs = await enlist(session, packed, app.lease_seconds, NOW)
        await acknowledge(app, [(job, Receipt(str(job.attempt))) for job in jobs], NOW)


async def _worded(url: str, size: int) -> Figures:
    """Everything but a carrier's network: facts read, words found, links made."""
    carrier = IdleCarrier()
    async with application(url, carrier, BATCH) as app:
        began = perf_counter()
        while await send_due(app, NOW):
            pass
        seconds = perf_counter() - began
    what = {"what": "with words, to a carrier that does nothing"}
    return Figures("dispatch", size, seconds, Baseline("itself", seconds), more=what, holds=carrier.taken == size)


async def _kept_busy(url: str, size: int) -> Figures:
    """The sender of a deployment on a carrier that takes a while: at best it takes size * latency / places."""
    carrier = IdleCarrier(LATENCY)
    async with application(url, carrier, IN_FLIGHT) as app:
        bell = Bell()
        dispatcher = Dispatcher(app, bell)
        began = perf_counter()
        running = asyncio.create_task(dispatcher.run())
        await carrier.has_taken(size)
        dispatcher.stop()
        await running
        seconds = perf_counter() - began
    best = size * LATENCY / IN_FLIGHT
    share = {"what": f"{IN_FLIGHT} places, {LATENCY * 1000:.0f} ms each", "share_of_the_best": round(best / seconds, 3)}
    return Figures("dispatch", size, seconds, Baseline("all places full", best), more=share)
