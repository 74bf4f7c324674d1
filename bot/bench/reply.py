"""`amiable bench reply`: from the row of a client's SMS in the inbox to the claim of our answer, at a steady rate.

The whole application runs as `amiable run` does, in one process, but for its clock: webhooks over HTTP, inbox, turn,
sender, bells. The subscribers and their carrier are another process on loopback, and do not wait for answers: who is
late is late. Then the path by itself, as a deployment of several processes has it (`bot.bench.apart`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

from pydantic import SecretStr

from bot.bench.answered import answered, figures_of, make_ready, numbers_of, paths
from bot.bench.apart import by_itself
from bot.bench.figures import Asked, Figures
from bot.bench.gauge import cost_of
from bot.bench.profiling import profiled, tell_statements
from bot.bench.queued import NOW, queue
from bot.bench.stores import bench_stores
from bot.bench.subscribers import Account, Texting, subscribers
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
    """The whole application: a tenth of the replies at a calm pace, then all at full pace. Then the path by itself."""
    with bench_stores(asked.settings) as stores:
        warming, calm = range(1, WARMING + 1), range(WARMING + 1, WARMING + 1 + max(asked.size // 10, 2))
        full = range(calm.stop, calm.stop + asked.size)
        with stores.copy(await queue(stores, full.stop)) as url:
            make_ready(url)
            async with _running(url) as (database, line):
                asked.watch("warming up", 0, 0)
                await answered(database, line, Texting(numbers_of(warming), CALM))
                for some, pace in ((calm, CALM), (full, FULL)):
                    asked.watch(f"{pace} replies a second", 0, 0)
                    with cost_of(url) as cost, profiled(wanted=asked.profile and pace == FULL):
                        await answered(database, line, Texting(numbers_of(some), pace))
                    ways = await paths(database, numbers_of(some))
                    yield figures_of("the whole application", pace, len(some), ways, cost, cost.own_cpu)
                    if asked.profile:
                        tell_statements(cost)
        for figures in await by_itself(asked, stores, FULL):
            yield figures


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
