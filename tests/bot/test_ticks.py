"""Contacts are opened as fast as their own channels take them, whatever becomes of the others."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sending import Post, post

from bot.outreach import GAVE_WAY, LAST_CALL, PART
from bot.sending.claim import BATCH
from bot.sending.pace import FUSE
from bot.ticks import contacts_tick, day_tick

BACKLOG = """
with talk as (
  insert into conversations (client_id, address_id, channel, currency, script, script_version, language, state, thread,
                             owner, opened_at, last_at)
  select c.id, a.id, a.channel, 'RON', 'reminder', '1', 'ro', '{}', a.channel, 'bot', :now, :now
  from clients c join addresses a on a.client_id = c.id and a.channel = :channel order by c.id limit 1
  returning id, address_id
), said as (
  insert into messages (conversation_id, author, at, content)
  select talk.id, 'bot', :now, '{}' from talk, generate_series(1, :many) returning id, conversation_id
)
insert into outbound (message_id, conversation_id, address_id, channel, state, priority, parting, send_from, send_until)
select said.id, talk.id, talk.address_id, :channel, 'ready', 10, false, :now, :now + interval '1 day' from said, talk
"""
STATES = "select c.ref, t.state from contacts t join clients c on c.id = t.client_id order by c.id"


async def backlog(office: Post, channel: str) -> None:
    """As much waits for a carrier as is ever put before it."""
    await day_tick(office.app, office.clock())
    await office.store(BACKLOG, channel=channel, many=BATCH, now=office.clock())


async def test_a_relay_that_is_down_holds_up_no_sms(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 3, mailboxes=True) as office:
        await office.store("update addresses set dead_since = :now where channel = 'sms' and client_id = 1", now=now)
        await backlog(office, "email")
        await contacts_tick(office.app, now)
        assert [state for _, state in await office.asks(STATES)] == ["planned", "opened", "opened"]
        await office.store("delete from outbound where channel = 'email'")
        await contacts_tick(office.app, now)
        assert [state for _, state in await office.asks(STATES)] == ["opened"] * 3


MANY_WAIT = """
insert into contacts (case_id, client_id, plan_id, currency, occasion, stage, action, touch, script, channels, state,
                      planned_at, send_from, send_until)
select c.case_id, c.client_id, c.plan_id, c.currency, c.occasion, c.stage, c.action, n, c.script, c.channels, c.state,
       c.planned_at, c.send_from - interval '1 hour', c.send_until
from contacts c, generate_series(1, :many) n where c.client_id = 2
"""


async def test_of_a_long_backlog_a_part_is_looked_at_and_in_the_end_everybody(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 2, mailboxes=True) as office:
        await office.store("update addresses set dead_since = :now where channel = 'sms' and client_id = 1", now=now)
        await backlog(office, "sms")
        await office.store(MANY_WAIT, many=3 * PART)
        for _ in range(100):
            await contacts_tick(office.app, now)
        states = Counter(await office.asks("select client_id, state from contacts"))
        assert states == {(1, "opened"): 1, (2, "planned"): 3 * PART + 1}


async def test_who_has_no_way_left_does_not_wait_for_a_full_one(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 2) as office:
        await backlog(office, "sms")
        await office.store("update addresses set dead_since = :now where client_id = 1", now=now)
        await contacts_tick(office.app, now)
        assert [state for _, state in await office.asks(STATES)] == ["unreachable", "planned"]


async def test_nothing_is_opened_where_every_channel_is_full(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 2, mailboxes=True) as office:
        await backlog(office, "email")
        await office.store(BACKLOG, channel="sms", many=BATCH, now=now)
        await contacts_tick(office.app, now)
        assert [state for _, state in await office.asks(STATES)] == ["planned", "planned"]


SHUT = """
insert into carriers (channel, filled_at, failures, open_until) values ('sms', :now, :fuse, :now + interval '5 minutes')
"""
HOURS_END = "update contacts set send_until = :until"
CHANNELS = "select channel, state from outbound where contact_id is not null order by id"


@pytest.mark.parametrize("left", [LAST_CALL + timedelta(minutes=1), LAST_CALL])
@pytest.mark.parametrize("shut", [True, False])
async def test_a_full_channel_is_waited_for_and_at_the_last_call_only_if_its_carrier_is_there(
    database_url: str, now: datetime, left: timedelta, shut: bool
) -> None:
    async with post(database_url, now, 2, mailboxes=True) as office:
        await backlog(office, "sms")
        if shut:
            await office.store(SHUT, now=now, fuse=FUSE)
        await office.store(HOURS_END, until=now + left)
        await contacts_tick(office.app, now)
        assert await office.asks(CHANNELS) == ([("email", "ready")] * 2 if shut and left == LAST_CALL else [])


async def test_at_the_last_call_the_next_channel_s_queue_counts_too(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 2, mailboxes=True) as office:
        await backlog(office, "email")
        await office.store(SHUT, now=now, fuse=FUSE)
        await office.store(HOURS_END, until=now + LAST_CALL)
        await contacts_tick(office.app, now)
        assert await office.asks(CHANNELS) == []


@pytest.mark.parametrize(("first", "comes_back_to"), [("refused", "sms"), ("failed", "email")])
async def test_who_could_not_be_written_to_in_time_comes_back_to_what_was_passed_over(
    database_url: str, now: datetime, first: str, comes_back_to: str
) -> None:
    async with post(database_url, now, 1, mailboxes=True) as office:
        await office.queue()
        await office.store("update outbound set state = :first", first=first)
        await office.store("update contacts set state = 'planned'")
        await office.open()
        assert await office.asks("select channel from outbound where state = 'ready'") == [("email",)]
        await office.store("update outbound set send_until = :now where state = 'ready'", now=now)
        await office.send()
        assert await office.open() == 1
        assert await office.asks("select channel from outbound where state = 'ready'") == [(comes_back_to,)]


async def test_at_the_last_call_who_has_no_other_way_still_waits(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 1) as office:
        await backlog(office, "sms")
        await office.store(HOURS_END, until=now + LAST_CALL)
        await contacts_tick(office.app, now)
        assert await office.asks(STATES) == [("client 0", "planned")]


async def test_what_is_queued_for_a_carrier_that_is_not_there_gives_way_at_the_last_call(
    database_url: str, now: datetime
) -> None:
    async with post(database_url, now, 2, mailboxes=True) as office:
        await office.queue()
        await office.store(SHUT, now=now, fuse=FUSE)
        await office.store("update outbound set send_until = :until", until=now + LAST_CALL + timedelta(minutes=1))
        await office.store(HOURS_END, until=now + LAST_CALL + timedelta(minutes=1))
        await contacts_tick(office.app, now)
        assert await office.asks(CHANNELS) == [("sms", "ready")] * 2
        await contacts_tick(office.app, now + timedelta(minutes=1))
        assert await office.asks(CHANNELS) == [("sms", "refused")] * 2 + [("email", "ready")] * 2
        assert await office.asks("select distinct reason from outbound where state = 'refused'") == [(GAVE_WAY,)]


async def test_what_may_have_arrived_gives_way_to_nothing(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 1, mailboxes=True) as office:
        await office.queue()
        await office.store(SHUT, now=now, fuse=FUSE)
        await office.store("update outbound set resent = true, send_until = :until", until=now + LAST_CALL)
        await contacts_tick(office.app, now)
        assert await office.asks(CHANNELS) == [("sms", "ready")]
