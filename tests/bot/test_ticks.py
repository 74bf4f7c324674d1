"""Contacts are opened as fast as their own channels take them, whatever becomes of the others."""

from __future__ import annotations

from datetime import datetime

from sending import Post, post

from bot.sending.claim import BATCH
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
