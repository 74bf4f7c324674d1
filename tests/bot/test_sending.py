"""Batches of the sender: what is barred stops nobody else, and what a person's word held back is not lost."""

from __future__ import annotations

from datetime import date, datetime

from given import given_client, given_invoice
from loop import ANA_PHONE, Loop, running_loop
from sending import post
from sqlalchemy import text

from bot.inbox import handle_inbox
from bot.outreach import open_contacts
from bot.sending.claim import UNANSWERED
from bot.sending.refusals import NOTHING_TO_SHOW
from bot.sending.sender import send_due
from bot.ticks import day_tick
from channels.email import EmailSettings
from engine.contact import ChannelKind

ANOTHER_ANSWER = """
update messages set content = '{"messages": [{"key": "common.balance.installment", "args": {}, "options": []}]}'
where id = (select message_id from outbound where state = 'ready')
"""
CONTACTS = "select state, tried from contacts order by id"


async def queued(loop: Loop) -> None:
    """What the day decides is opened and stands in the queue."""
    await day_tick(loop.sandbox.wired.app, loop.clock())
    await open_contacts(loop.sandbox.wired.app, loop.clock())


async def store(loop: Loop, change: str, **values: object) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await session.execute(text(change), values)


async def neighbours(loop: Loop, count: int) -> list[str]:
    """The phones of other clients who owe as Ana does."""
    phones = [f"+407111{number:05}" for number in range(count)]
    async with loop.sandbox.wired.app.database.write() as session:
        for number, phone in enumerate(phones):
            client = await given_client(session, f"client {number}", sms=phone)
            await given_invoice(session, client, f"N{number}", "200", date(2026, 3, 1), account=f"N{number}")
    return phones


async def test_what_is_barred_goes_back_and_the_rest_of_its_batch_goes_out(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now) as loop:
        phones = await neighbours(loop, 3)
        await queued(loop)
        of = "(select id from clients where ref = :ref)"
        await store(loop, f"update addresses set dead_since = now() where client_id = {of}", ref="client 0")  # noqa: S608
        await store(loop, f"update conversations set owner = 'waiting' where client_id = {of}", ref="client 1")  # noqa: S608
        await store(loop, "update outbound set send_until = send_from where id = (select max(id) from outbound)")
        assert await send_due(loop.sandbox.wired.app, loop.clock()) == 4
        assert len(loop.heard()) == 1
        assert [len(loop.heard(phone)) for phone in phones] == [0, 0, 0]
        assert await loop.asks("select count(*) from attempts") == [(1,)], "no attempt was made at the others"
        assert await loop.asks("select reason from outbound where state in ('refused', 'expired') order by id") == [
            ("the address is unusable",),
            ("a person has taken over",),
            ("its hours were over",),
        ]
        assert await loop.asks(CONTACTS) == [("opened", 1), ("planned", 1), ("planned", 0), ("planned", 0)]


async def test_what_a_person_held_back_is_said_once_when_they_are_done(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, sms=ANA_PHONE) as loop:
        await queued(loop)
        await store(loop, "update conversations set owner = 'waiting'")
        await loop.sandbox.settle()
        assert loop.heard() == []
        assert await loop.asks(CONTACTS) == [("planned", 0)], "the same channel is still to be tried"
        await loop.later(days=3)
        assert loop.heard() == [], "the client still waits for a person"
        await store(loop, "update conversations set owner = 'bot'")
        await loop.later(days=1)
        await loop.later(days=1)
        assert len(loop.heard()) == 1


async def test_no_more_mail_is_under_way_than_the_relay_has_connections_for(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now) as loop:
        app = loop.sandbox.wired.app
        assert app.pace_of(ChannelKind.EMAIL).in_flight == EmailSettings("", "", "").connections
        assert app.pace_of(ChannelKind.SMS).in_flight > app.pace_of(ChannelKind.EMAIL).in_flight


async def test_what_a_carrier_may_have_had_is_not_planned_again(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, sms=ANA_PHONE) as loop:
        await queued(loop)
        await store(loop, "update outbound set resent = true")
        await store(loop, "update conversations set owner = 'waiting'")
        await send_due(loop.sandbox.wired.app, loop.clock())
        assert await loop.asks(CONTACTS) == [("opened", 1)]


async def test_where_an_answer_cannot_stand_any_more_a_person_is_told(database_url: str, now: datetime) -> None:
    async with post(database_url, now) as office:
        await office.queue()
        await office.send()
        await office.hears("cât am de plată?")
        await handle_inbox(office.app, now)
        await office.store(ANOTHER_ANSWER)
        await office.send()
        assert await office.asks("select state, reason from outbound order by id desc limit 1") == [
            ("refused", NOTHING_TO_SHOW)
        ]
        assert await office.asks("select reason from tasks") == [(UNANSWERED,)]
