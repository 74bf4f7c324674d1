"""Rates, breakers and poison: what one channel or one message suffers from is nobody else's trouble."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sending import Post, paced, post
from sqlalchemy import text

from bot.sending.pace import COOLING, FUSE
from bot.sending.parking import MOST_TRIES
from bot.sending.sender import send_due
from channels.port import Rejected, Unreached

BREAKER = "select failures, trips, open_until is not null from carriers where channel = 'sms'"


async def test_a_rate_is_shared_and_kept_over_time(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 12) as office:
        await office.queue()
        app = paced(office, 4)
        await asyncio.gather(*(send_due(app, office.clock()) for _ in range(3)))
        assert len(office.sms.sent) == 4
        office.clock.advance(now + timedelta(seconds=0.5))
        assert await send_due(app, office.clock()) == 2
        office.clock.advance(now + timedelta(hours=1))
        assert await send_due(app, office.clock()) == 4, "what was not used an hour ago is not saved up"
        assert len(office.sms.sent) == 10


async def test_what_was_turned_away_costs_nothing_of_the_rate(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 6) as office:
        await office.queue()
        await office.store("update addresses set opted_out_at = :now where id <= 2", now=now)
        app = paced(office, 2)
        await send_due(app, office.clock())
        await send_due(app, office.clock())
        assert len(office.sms.sent) == 2


async def test_a_carrier_that_is_not_there_is_tried_by_one_message_at_a_time(database_url: str, now: datetime) -> None:
    async with post(database_url, now, FUSE + 4) as office:
        await office.queue()
        await office.store("update outbound set send_from = :later where id > :fuse", fuse=FUSE, later=at(now, 1))
        office.sms.answers.extend(Unreached("no route") for _ in range(FUSE + 1))
        await office.send()
        assert await office.asks(BREAKER) == [(FUSE, 0, True)]
        office.clock.advance(at(now, 10))
        assert await office.send() == 0, "open"
        office.clock.advance(at(now, 31))
        probes = await asyncio.gather(*(send_due(office.app, office.clock()) for _ in range(3)))
        assert sorted(probes) == [0, 0, 1]
        assert await office.asks(BREAKER) == [(FUSE + 1, 1, True)]
        office.clock.advance(office.clock() + COOLING + timedelta(seconds=1))
        assert await office.send() == 0, "open for twice as long"
        office.clock.advance(office.clock() + COOLING)
        assert await office.send() == 1, "a probe, and it is taken"
        assert await office.asks(BREAKER) == [(0, 0, False)]
        assert await office.send() > 1


async def test_a_refusal_is_an_answer_too(database_url: str, now: datetime) -> None:
    async with post(database_url, now, FUSE + 1) as office:
        await office.queue()
        office.sms.answers.extend(Rejected("no", "21211") for _ in range(FUSE + 1))
        await office.send()
        assert await office.asks(BREAKER) == []


async def test_a_wrong_clock_closes_no_channel_for_long(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 1) as office:
        await office.queue()
        await office.store(
            "insert into carriers (channel, filled_at, paused_until) values ('sms', :now, :tomorrow)",
            now=now,
            tomorrow=now + timedelta(days=1),
        )
        assert await office.send() == 1


async def test_a_message_nobody_can_word_is_parked_after_five_tries_and_told(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 3, mailboxes=True) as office:
        await office.queue()
        await office.store("update conversations set script = 'no such script' where id = 1")
        for _ in range(MOST_TRIES):
            await office.send()
            office.clock.advance(office.clock() + timedelta(minutes=20))
        assert await office.states() == [("accepted", 2), ("failed", 1)]
        parked = "select tries, reason from outbound where parked_at is not null"
        assert await office.asks(parked) == [(MOST_TRIES, "KeyError: 'reminder.opening.due'")]
        assert await office.asks("select kind, source from tasks") == [("review", "outbound:1:parked")]
        assert await office.asks("select count(*) from attempts where outbound_id = 1") == [(0,)]
        assert await office.asks("select state, tried from contacts where id = 1") == [("planned", 1)]


async def test_a_message_that_breaks_its_transaction_stops_no_other(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 3) as office:
        await office.queue()
        await office.store("alter table attempts add constraint poison check (outbound_id <> 2)")
        assert await office.send() == 3
        assert len(office.sms.sent) == 2
        assert (await office.asks("select state, tries from outbound where id = 2")) == [("ready", 1)]


async def test_an_answer_that_cannot_be_sent_is_told_to_a_person(database_url: str, now: datetime) -> None:
    async with post(database_url, now) as office:
        await office.queue()
        await office.store("update outbound set contact_id = null, priority = 0")
        office.sms.answers.extend(Unreached("no route") for _ in range(MOST_TRIES))
        for _ in range(MOST_TRIES):
            await office.send()
            office.clock.advance(office.clock() + timedelta(minutes=11))
        assert await office.asks("select kind, source from tasks") == [("review", "outbound:1:parked")]
        assert await office.asks("select parked_at is not null from outbound") == [(True,)]


async def test_a_client_being_booked_for_waits_for_the_next_look(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 2) as office:
        await office.queue()
        async with office.app.database.write() as session:
            await session.execute(text("select from clients where id = 1 for no key update"))
            assert await office.send() == 1
            await session.execute(text("update addresses set opted_out_at = :now where client_id = 1"), {"now": now})
        assert await office.send() == 1
        assert len(office.sms.sent) == 1
        assert await office.asks("select reason from outbound where state = 'refused'") == [("opted out",)]


async def test_in_a_talk_the_earlier_message_goes_first(database_url: str, now: datetime) -> None:
    async with post(database_url, now) as office:
        await office.queue()
        await _say_again(office)
        await office.send()
        assert len(office.sms.sent) == 1
        await office.send()
        assert len(office.sms.sent) == 2
        order = "select outbound_id from attempts order by started_at, outbound_id"
        assert await office.asks(order) == [(1,), (2,)]


async def _say_again(office: Post) -> None:
    """A second message in the first talk, which ranks before the first."""
    await office.store(
        """
        with said as (insert into messages (conversation_id, author, at, content)
                      select conversation_id, author, at, content from messages limit 1 returning id)
        insert into outbound (message_id, conversation_id, address_id, channel, state, priority, parting, send_from,
                              send_until)
        select said.id, o.conversation_id, o.address_id, o.channel, 'ready', 0, false, o.send_from, o.send_until
        from outbound o, said
        """
    )


def at(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
