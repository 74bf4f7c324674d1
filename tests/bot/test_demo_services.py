"""The demo's service system answers orders by the real API, each once, and some of them with a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from given import ORDERS
from loop import Loop, running_loop

from bot.demo.services import EVERY, ServiceSystem, answering, service_system, what_becomes_of
from engine.calendar import AnyHour
from engine.ledger import Received, receive
from engine.money import money
from engine.plan import Verb
from engine.run import decide_clients
from engine.store.session import lock_clients


@pytest.fixture
async def loop(database_url: str, now) -> AsyncIterator[Loop]:
    """Two orders about Ana's account."""
    async with running_loop(database_url, now, plan=ORDERS) as running:
        await running.decide()
        yield running


@pytest.fixture
async def system(loop: Loop) -> AsyncIterator[ServiceSystem]:
    async with service_system(loop.sandbox, seed=1) as working:
        yield working


async def test_it_answers_what_it_finds_and_finds_nothing_more(system, loop):
    assert [await system.work(), await system.work()] == [2, 0]
    assert await loop.asks("select distinct outcome, reference is null from service_orders") == [("done", False)]
    assert await loop.asks("select status from accounts") == [("collections",)]


async def test_it_works_in_batches(system, loop, now):
    assert await system.batch(now) == 2
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        await receive(session, Received("p1", loop.ana, money("200", "RON"), now, "bank"), now)
        await decide_clients(session, [loop.ana], now, AnyHour())
    assert await system.batch(now + EVERY - timedelta(minutes=1)) == 0
    assert await system.batch(now + EVERY) == 1
    assert await loop.asks("select status from accounts") == [("active",)]


async def test_it_looks_for_orders_by_itself_while_the_demo_runs(system, loop):
    async with answering(system), asyncio.timeout(60):
        while await loop.asks("select id from service_orders where acknowledged_at is null"):  # noqa: ASYNC110 - by HTTP
            await asyncio.sleep(0.05)


def test_it_refuses_few_suspensions_and_nothing_else_and_says_so_again_when_asked_again():
    said = [what_becomes_of(1, number, Verb.SUSPEND_SERVICE) for number in range(500)]
    refused = [one for one in said if one["outcome"] == "refused"]
    assert 5 < len(refused) < 50
    assert all(one["note"] for one in refused)
    assert said == [what_becomes_of(1, number, Verb.SUSPEND_SERVICE) for number in range(500)]
    assert {what_becomes_of(1, number, Verb.RESTORE_SERVICE)["outcome"] for number in range(500)} == {"done"}
