"""`amiable bench reply`: from the row of a client's SMS in the inbox to the claim of our answer, at a steady rate.

The whole application runs as `amiable run` does, in one process, but for its clock: webhooks over HTTP, inbox, turn,
sender, bells; then in two, as `amiable web` and `amiable sender`. The subscribers and their carrier are another process
on loopback, and do not wait for answers: who is late is late. Last comes the path by itself (`bot.bench.apart`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from multiprocessing.connection import Connection

from pydantic import SecretStr

from bot.bench.answered import answered, figures_of, make_ready, numbers_of, paths
from bot.bench.apart import by_itself, program
from bot.bench.figures import Asked, Figures
from bot.bench.gauge import cost_of, cpu_of
from bot.bench.profiling import profiled, tell_statements
from bot.bench.queued import NOW, queue
from bot.bench.stores import Stores, bench_stores
from bot.bench.subscribers import Account, Texting, subscribers
from bot.loop import run
from bot.port import bind
from bot.running import Part, working
from bot.sandbox import MAIL_DOMAIN, OUR_NUMBER, Keys
from bot.server import serving
from bot.settings import Settings
from bot.wiring import wire
from engine.calendar import AnyHour
from engine.store.session import Database

FULL, CALM = 200, 20
"""Replies a second: as many as we want to keep up with, and a calm hour's."""
WARMING = 50
"""So many reply before those that count: statements are planned, and what is read once is read."""
NOWHERE = "127.0.0.1:9"


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """The whole application: a tenth of the replies at a calm pace, then all at full pace, and again with a sender of
    its own. Then the path by itself.
    """
    with bench_stores(asked.settings) as stores:
        async for figures in _whole(asked, stores, "one process", [CALM, FULL], apart=False):
            yield figures
        async for figures in _whole(asked, stores, "web and sender", [FULL], apart=True):
            yield figures
        for figures in await by_itself(asked, stores, FULL):
            yield figures


async def _whole(
    asked: Asked, stores: Stores, name: str, paces: Sequence[int], *, apart: bool
) -> AsyncIterator[Figures]:
    """What the whole application needs at each of these paces, `apart` with a sender of its own."""
    first = WARMING + 1
    with stores.copy(await queue(stores, WARMING + max(asked.size // 10, 2) + asked.size + 1)) as url:
        make_ready(url)
        async with _running(url, apart=apart) as (database, line, sender):
            asked.watch("warming up", 0, 0)
            await answered(database, line, Texting(numbers_of(range(1, first)), CALM))
            for pace in paces:
                some = numbers_of(range(first, first + (asked.size if pace == FULL else max(asked.size // 10, 2))))
                first += len(some)
                asked.watch(f"{pace} replies a second, {name}", 0, 0)
                before = cpu_of(sender)
                with cost_of(url) as cost, profiled(wanted=asked.profile and pace == FULL):
                    await answered(database, line, Texting(some, pace))
                own = cost.own_cpu + cpu_of(sender) - before
                yield figures_of(name, pace, len(some), await paths(database, some), cost, own)
                if asked.profile:
                    tell_statements(cost)


@asynccontextmanager
async def _running(url: str, *, apart: bool) -> AsyncIterator[tuple[Database, Connection, int]]:
    """The application at work, the line to its subscribers, and the process that sends."""
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
                working(wired.app, [Part.INBOX] if apart else [Part.INBOX, Part.SENDER]),
            ):
                with program(_sending, url, settings) if apart else nullcontext((0, None)) as (sender, _):
                    yield wired.app.database, line, sender
        finally:
            await wired.close()


def _sending(line: Connection, url: str, settings: Settings) -> None:
    run(_send(line, url, settings))


async def _send(line: Connection, url: str, settings: Settings) -> None:
    wired = wire(settings, url, lambda: NOW, AnyHour())
    async with working(wired.app, [Part.SENDER]):
        line.send(None)
        await asyncio.Event().wait()
