"""Looking after what is in doubt: side by side, through odd answers, and what may follow afterwards."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sending import Carrier, Post, post

from bot.resolver import resolve_unknown
from channels.port import CannotTell, Receipt, Rejected, Sought, Uncertain
from engine.contact import ChannelKind

CONTACTS = "select state, tried from contacts order by id"


@dataclass(slots=True)
class Asked(Carrier):
    """Answers a look-up when so many are at it together; the first `odd` of its answers make no sense."""

    together: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(1))
    odd: int = 0
    sought: list[Sought] = field(default_factory=list)

    async def find(self, sought: Sought, since: datetime) -> Receipt | CannotTell | None:
        self.sought.append(sought)
        await self.together.wait()
        if len(self.sought) <= self.odd:
            raise AttributeError("'NoneType' object has no attribute 'sid'")
        return None


async def asking(office: Post, carrier: Asked) -> None:
    app = replace(office.app, channels={**office.app.channels, ChannelKind.SMS: carrier})
    await resolve_unknown(app, office.clock())


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with post(database_url, now, 2, mailboxes=True) as running:
        await running.queue()
        running.sms.answers.extend([Uncertain("no answer"), Uncertain("no answer")])
        yield running


async def test_two_that_ask_at_the_same_moment_have_asked_once(office: Post) -> None:
    await office.store("update outbound set send_from = send_until where id > 1")
    await office.send()
    carrier = Asked(together=asyncio.Barrier(2))
    await asyncio.gather(asking(office, carrier), asking(office, carrier))
    assert len(carrier.sought) == 2
    assert await office.asks("select state, lookups from outbound where id = 1") == [("unknown", 1)]


async def test_an_answer_that_makes_no_sense_leaves_one_message_in_doubt_and_no_other(office: Post) -> None:
    await office.send()
    await asking(office, Asked(odd=1))
    assert await office.asks("select state, lookups from outbound order by lookups") == [("unknown", 0), ("unknown", 1)]


async def test_what_went_to_others_who_share_the_number_is_not_taken_for_it(office: Post) -> None:
    office.sms.answers.appendleft(Receipt("SM1"))
    await office.store(
        "update addresses set lookup = (select lookup from addresses where id = 1) where channel = 'sms'"
    )
    await office.send()
    carrier = Asked()
    await asking(office, carrier)
    assert [sought.known for sought in carrier.sought] == [{"SM1"}]


@pytest.mark.parametrize("resent", [False, True])
async def test_what_expires_is_planned_again_only_where_no_carrier_may_have_had_it(office: Post, resent: bool) -> None:
    await office.store("update outbound set resent = :resent, send_until = send_from", resent=resent)
    office.clock.advance(office.clock() + timedelta(hours=1))
    assert await office.send() == 2
    assert await office.states() == [("expired", 2)]
    assert await office.asks(CONTACTS) == [("opened", 1) if resent else ("planned", 0)] * 2


@pytest.mark.parametrize("resent", [False, True])
@pytest.mark.parametrize("answer", [Rejected("no", "30007"), Rejected("nobody", "21211", address_dead=True)])
async def test_nor_does_another_channel_follow_a_second_copy_that_fails(
    office: Post, resent: bool, answer: Rejected
) -> None:
    await office.store("update outbound set resent = :resent", resent=resent)
    office.sms.answers = deque([answer] * 2)
    await office.send()
    assert await office.states() == [("failed", 2)]
    assert await office.asks(CONTACTS) == [("opened" if resent else "planned", 1)] * 2


async def test_where_the_carrier_has_neither_copy_the_next_channel_follows(office: Post) -> None:
    office.sms.answers = deque([Uncertain("no answer")] * 4)
    for _ in range(2):
        await office.send()
        for _ in range(2):
            await asking(office, Asked())
    assert len(office.sms.sent) == 4
    assert await office.states() == [("failed", 2)]
    assert await office.asks(CONTACTS) == [("planned", 1)] * 2


@pytest.mark.parametrize("barred", ["opted_out_at", "dead_since"])
@pytest.mark.parametrize("resent", [False, True])
async def test_nor_does_another_channel_follow_it(office: Post, resent: bool, barred: str) -> None:
    await office.store("update outbound set resent = :resent", resent=resent)
    await office.store(f"update addresses set {barred} = :now where channel = 'sms'", now=office.clock())  # noqa: S608 one of two names
    await office.send()
    assert await office.states() == [("refused", 2)]
    assert await office.asks(CONTACTS) == [("opened" if resent else "planned", 1)] * 2
