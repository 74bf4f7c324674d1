"""Whatever the order in which a carrier's reports come, and however often: a message ends in one state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import permutations, product
from random import Random
from uuid import UUID

from knocking import Knock, knock, open_door, under_way
from knocking import status as posted
from sqlalchemy import text

from bot.delivery import note_statuses
from bot.inbox import handle_inbox
from channels.port import StatusReport
from channels.sms import read_status
from engine.contact import Delivery
from engine.store.session import Database

WORDS = {
    "queued": Delivery.ACCEPTED,
    "sent": Delivery.SENT,
    "canceled": Delivery.EXPIRED,
    "undelivered": Delivery.FAILED,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.READ,
}
"""Twilio's words for six different states, in the order of what they prove."""
MOST = 6

ENDS = """
select a.id, a.state, o.state, o.settled_at is not null from attempts a join outbound o on o.id = a.outbound_id
"""


def report(attempt: UUID, word: str) -> StatusReport:
    return read_status({"MessageSid": f"SM{attempt.hex}", "MessageStatus": word}, attempt)


def end_of(told: Iterable[str]) -> tuple[str, str, bool]:
    """What becomes of a message of which this is told: the state that proves most."""
    last = max((WORDS[word] for word in told), key=lambda state: state.rank)
    return last, last, last not in (Delivery.ACCEPTED, Delivery.SENT)


async def check(database: Database, told: Mapping[UUID, Sequence[str]]) -> None:
    async with database.read() as session:
        for attempt, *end in await session.execute(text(ENDS)):
            assert tuple(end) == end_of(told[attempt]), told[attempt]


async def test_every_order_ends_alike_when_each_report_comes_alone(database: Database, now: datetime) -> None:
    orders = [order for length in range(1, MOST + 1) for order in permutations(WORDS, length)]
    async with database.write() as session:
        told = dict(zip(await under_way(session, len(orders), now), orders, strict=True))
    for place in range(MOST):
        reports = [report(attempt, order[place]) for attempt, order in told.items() if place < len(order)]
        async with database.write() as session:
            assert all(await note_statuses(session, reports, now))
    await check(database, told)


async def test_every_order_with_repetitions_ends_alike_in_one_batch(database: Database, now: datetime) -> None:
    orders = [order for length in range(1, MOST + 1) for order in product(WORDS, repeat=length)]
    async with database.write() as session:
        told = dict(zip(await under_way(session, len(orders), now), orders, strict=True))
    async with database.write() as session:
        reports = [report(attempt, word) for attempt, order in told.items() for word in order]
        assert all(await note_statuses(session, reports, now))
    await check(database, told)


async def test_orders_and_repetitions_end_alike_when_they_are_posted(database_url: str, now: datetime) -> None:
    draw = Random(6)  # noqa: S311 - it guards nothing
    async with open_door(database_url, now) as (web, wired):
        database = wired.app.database
        async with database.write() as session:
            attempts = await under_way(session, 60, now)
        told = {attempt: draw.choices(list(WORDS), k=draw.randint(1, MOST)) for attempt in attempts}
        posts: list[Knock] = [posted(one, f"SM{one.hex}", word) for one, order in told.items() for word in order]
        draw.shuffle(posts)
        for number, post in enumerate(posts):
            assert await knock(web, post) == 204
            if number % 7 == 0:
                await handle_inbox(wired.app, now)
        await handle_inbox(wired.app, now)
        await check(database, told)
