"""Real processes at the daily run: killed at any moment or beside one another, they come to what one alone does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from random import Random
from time import sleep
from typing import Any

import pytest
from engines import HOURS, Run, started
from twins import copied, plain, work_in

from bot.bench.outcome import unbalanced
from bot.bench.paying import pay
from bot.bench.portfolio import DAY, make_portfolio
from engine.daily import decide_day
from engine.store.cluster import Cluster
from engine.store.session import Database

CLIENTS, KILLS = (10_000, 50) if int(os.environ.get("PROPERTY_STEPS", "2000")) > 2000 else (2_000, 10)
"""More of both where the properties play more steps too, as in `make bench`."""
SLICES = 40
WIDTH = CLIENTS // 5 // SLICES
"""One in five owes."""
FIRST = datetime.combine(DAY, time(6), UTC)


@pytest.fixture(scope="module")
async def portfolio(cluster: Cluster) -> AsyncIterator[str]:
    """A database of clients in all kinds of cases."""
    with copied(cluster.url("template_amiable"), "portfolio") as url:
        await make_portfolio(url, CLIENTS, 1, lambda *_: None)
        yield url


@pytest.fixture
async def calm(portfolio: str) -> AsyncIterator[Database]:
    """The portfolio, where nothing disturbs a run."""
    with copied(portfolio, "calm") as url:
        database = Database(url)
        yield database
        await database.close()


@pytest.fixture
async def wild(portfolio: str) -> AsyncIterator[Database]:
    """The same portfolio again."""
    with copied(portfolio, "wild") as url:
        database = Database(url)
        yield database
        await database.close()


async def differences(one: Database, other: Database) -> list[tuple[Any, ...]]:
    """Some of the rows that only one of them has come to."""
    here, there = Counter(await work_in(one)), Counter(await work_in(other))
    return [*(here - there)][:5] + [*(there - here)][:5]


async def days(calm: Database, wild: Database) -> AsyncIterator[datetime]:
    """Day after day some pay, and one of the two databases is decided for without any disturbance."""
    now = FIRST
    while True:
        for one in (calm, wild):
            pay(plain(one.url), CLIENTS // 50, now.day, now)
        await decide_day(calm, now.date(), now, HOURS)
        yield now
        now += timedelta(days=1)


async def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    calm: Database, wild: Database
) -> None:
    luck, kills = Random(5), 0  # noqa: S311 - no secret
    async for now in days(calm, wild):
        while _killed(Run(wild.url, now, WIDTH), luck, wanted=kills < KILLS):
            kills += 1
        assert await differences(calm, wild) == []
        if kills == KILLS:
            break
    assert unbalanced(plain(wild.url)) == 0


def _killed(run: Run, luck: Random, *, wanted: bool) -> bool:
    """Start an engine and kill it some way on; False if it was done before that, or was not to be killed."""
    with started(run) as engine:
        if wanted and engine.passed(luck.randrange(SLICES // 4)):
            sleep(luck.random() / 20)
            engine.kill()
            return True
        assert engine.finished()
        return False


@pytest.mark.parametrize(
    "lease", [10.0, 0.1, None], ids=["one waits", "each takes it from the other", "neither asks for a lease"]
)
async def test_two_engines_at_once_double_nothing(calm: Database, wild: Database, lease: float | None) -> None:
    run = days(calm, wild)
    for _ in range(2):
        now = await anext(run)
        with ExitStack() as stack:
            engines = [stack.enter_context(started(Run(wild.url, now, WIDTH, lease))) for _ in range(2)]
            assert [engine.finished() for engine in engines] == [True, True]
        assert await differences(calm, wild) == []
