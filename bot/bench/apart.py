"""The reply path by itself: a program puts replies into the inbox, ours answers them in two processes, to a carrier
that takes everything. There is no HTTP on the way.

Once with the talks that answer, once with a worker in their place that says the same to everybody: what is left then is
what it costs to hand a reply from row to row.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode

import psycopg
from sqlalchemy import text

from bot.application import Application
from bot.arrivals import SMS, arrivals
from bot.bell import INBOX, bell
from bot.bench.address import plain
from bot.bench.answered import answered, figures_of, make_ready, numbers_of, paths
from bot.bench.figures import Asked, Figures
from bot.bench.gauge import cost_of, cpu_of
from bot.bench.queued import NOW, IdleCarrier, application, queue, reminded
from bot.bench.stores import Stores
from bot.bench.subscribers import SAID, Texting
from bot.content import pack
from bot.correspondents import lookup_of
from bot.loop import run
from bot.running import Part, working
from bot.sandbox import OUR_NUMBER
from engine.contact import ChannelKind
from engine.store.session import Database

IN_FLIGHT = 64
WARMING = 200
PATH = "/webhooks/twilio/sms"

PUT = "insert into inbox (provider, event, received_at, path, raw, state) values (%s, %s, %s, %s, %s, 'new')"
REPEAT = text("""
with heard as (
  select h.id, a.id as address_id, t.id as talk
  from unnest(cast(:numbers as bigint[]), cast(:lookups as bytea[])) h(id, lookup)
  join addresses a on a.lookup = h.lookup join conversations t on t.address_id = a.id
), said as (
  insert into messages (conversation_id, author, at, content)
  select talk, 'bot', :now, cast(:content as jsonb) from heard returning id, conversation_id
), queued as (
  insert into outbound
    (message_id, conversation_id, address_id, channel, state, priority, parting, send_from, send_until)
  select said.id, heard.talk, heard.address_id, 'sms', 'ready', 0, false, cast(:now as timestamptz),
         cast(:now as timestamptz) + interval '1 day'
  from said join heard on heard.talk = said.conversation_id
)
update inbox i set state = 'done' from heard where i.id = heard.id
""")

Work = Callable[[Application], Coroutine[Any, Any, None]]


async def by_itself(asked: Asked, stores: Stores, pace: int) -> list[Figures]:
    """A figure with the talks, and one without."""
    ways: dict[str, Work] = {"from row to claim": _talk, "from row to claim, without a talk": _repeat}
    return [await _measured(asked, stores, pace, name, answering) for name, answering in ways.items()]


async def _measured(asked: Asked, stores: Stores, pace: int, name: str, answering: Work) -> Figures:
    warming = range(1, WARMING + 1)
    some = range(warming.stop, warming.stop + asked.size)
    with stores.copy(await queue(stores, some.stop)) as url:
        make_ready(url)
        database = Database(url)
        with (
            program(_put, url) as (_, line),
            program(_do, url, answering) as (inbox, _),
            program(_do, url, _send) as (sender, _),
        ):
            asked.watch("warming up", 0, 0)
            await answered(database, line, Texting(numbers_of(warming), pace))
            asked.watch(f"{pace} replies a second, {name}", 0, 0)
            before = cpu_of(inbox) + cpu_of(sender)
            with cost_of(url) as cost:
                await answered(database, line, Texting(numbers_of(some), pace))
            own = cpu_of(inbox) + cpu_of(sender) - before
        ways = await paths(database, numbers_of(some))
        await database.close()
    return replace(figures_of(name, pace, asked.size, ways, cost, own), peak_mb=None)


@contextmanager
def program(work: Callable[..., None], *about: Any) -> Iterator[tuple[int, Connection]]:
    """Another process at work while the block runs: its number, and the line to it. It has told that it is ready."""
    ours, theirs = get_context("spawn").Pipe()
    process: Any = get_context("spawn").Process(target=work, args=(theirs, *about), daemon=True)
    process.start()
    try:
        ours.recv()
        yield process.pid, ours
    finally:
        process.kill()
        process.join()


def _put(line: Connection, url: str) -> None:
    """Put replies into the inbox at a pace, whatever becomes of them."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        line.send(None)
        while True:
            texting: Texting = line.recv()
            began = perf_counter()
            for number, place in zip(texting.numbers, count(), strict=False):
                sleep(max(0.0, began + place / texting.per_second - perf_counter()))
                sid, said = f"SM{int(number[1:]):032d}", SAID[place % len(SAID)]
                form = {"MessageSid": sid, "From": number, "To": OUR_NUMBER, "Body": said, "NumMedia": "0"}
                connection.execute(PUT, (SMS, sid, NOW, PATH, urlencode(form).encode()), prepare=True)
            line.send(None)


def _do(line: Connection, url: str, work: Work) -> None:
    run(_working(line, url, work))


async def _working(line: Connection, url: str, work: Work) -> None:
    async with application(url, IdleCarrier(), IN_FLIGHT) as app:
        line.send(None)
        await work(app)


async def _part(part: Part, app: Application) -> None:
    async with working(app, [part]):
        await asyncio.Event().wait()


_talk, _send = partial(_part, Part.INBOX), partial(_part, Part.SENDER)


async def _repeat(app: Application) -> None:
    content = json.dumps(pack(reminded().messages))
    async with bell(app.database, INBOX) as rung:
        while True:
            if not await _repeat_some(app, content):
                await rung.wait()


async def _repeat_some(app: Application, content: str) -> int:
    async with app.database.write() as session:
        found = await arrivals(session)
        senders = [lookup_of(ChannelKind.SMS, one.sender) for one in found]
        asked = {"numbers": [one.number for one in found], "lookups": senders, "now": NOW, "content": content}
        if found:
            await session.execute(REPEAT, asked)
    return len(found)
