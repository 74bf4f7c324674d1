"""What follows from each way a send may end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sending import Post, post

from bot.bell import Bell
from bot.resolver import RESENT, resolve_unknown
from channels.port import CANNOT_TELL, Busy, LookupFailed, NotSent, Receipt, Rejected, Uncertain, Unreached
from engine.contact import Delivery

ATTEMPTS = "select no, state, code from attempts order by no"
MESSAGE = "select state, tries, resent, settled_at is not null from outbound order by id"


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with post(database_url, now, mailboxes=True) as running:
        await running.queue()
        yield running


async def test_what_is_taken_is_kept_with_the_carriers_reference(office: Post) -> None:
    office.sms.answers.append(Receipt("SM1", Delivery.ACCEPTED))
    await office.send()
    assert await office.asks("select state, reference, no from attempts") == [("accepted", "SM1", 1)]
    assert await office.asks(MESSAGE) == [("accepted", 1, False, False)]


async def test_what_did_not_leave_waits_longer_each_time_and_then_goes_by_the_next_channel(office: Post) -> None:
    office.sms.answers.extend(NotSent("greylisted", retry_after=30) for _ in range(5))
    waits = []
    for _ in range(5):
        await office.send()
        (later,) = (await office.asks("select send_from from outbound order by id limit 1"))[0]
        assert isinstance(later, datetime)
        waits.append((later - office.clock()).total_seconds())
        assert await office.send() == 0, "not before its time"
        office.clock.advance(max(later, office.clock()))
    assert all(30 * 2**n <= wait <= 45 * 2**n for n, wait in enumerate(waits[:4])), waits
    assert len(office.sms.sent) == 5
    await office.open()
    await office.send()
    assert len(office.mail.sent) == 1
    assert await office.asks("select parked_at from outbound where parked_at is not null") == []


async def test_a_refusal_for_good_goes_by_the_next_channel_at_once(office: Post) -> None:
    office.sms.answers.append(Rejected("no such number", "21211", address_dead=True))
    await office.send()
    await office.open()
    await office.send()
    assert (len(office.sms.sent), len(office.mail.sent)) == (1, 1)
    assert await office.asks("select channel from addresses where dead_since is not null") == [("sms",)]
    assert await office.asks(ATTEMPTS) == [(1, "failed", "21211"), (1, "accepted", None)]


async def test_a_carrier_that_asks_for_patience_is_left_alone_by_the_whole_channel(
    database_url: str, now: datetime
) -> None:
    async with post(database_url, now, 3) as office:
        await office.queue()
        await office.store("update outbound set send_from = :later where id > 1", later=now + timedelta(seconds=1))
        office.sms.answers.append(Busy("slow down", retry_after=60))
        await office.send()
        office.clock.advance(now + timedelta(seconds=30))
        assert await office.send() == 0
        assert len(office.sms.sent) == 1
        office.clock.advance(now + timedelta(seconds=100))
        assert await office.send() == 3


async def test_what_is_in_doubt_is_asked_about_twice_and_sent_once_more_at_most(office: Post) -> None:
    office.sms.answers.extend([Uncertain("no answer"), Uncertain("no answer"), Receipt("never")])
    await office.send()
    assert await office.asks(MESSAGE) == [("unknown", 1, False, False)]
    assert await office.send() == 0, "never again blindly"
    for _ in range(2):
        await resolve_unknown(office.app, office.clock())
    assert await office.asks("select state, resent, reason from outbound") == [("ready", True, RESENT)]
    await office.send()
    for _ in range(2):
        await resolve_unknown(office.app, office.clock())
    assert len(office.sms.sent) == 2
    assert office.sms.asked == 4
    await office.open()
    await office.send()
    assert (len(office.sms.sent), len(office.mail.sent)) == (2, 1)


async def test_what_the_carrier_finds_is_accepted(office: Post) -> None:
    office.sms.answers.append(Uncertain("no answer"))
    office.sms.finds.extend([LookupFailed("not now"), None, Receipt("SM7")])
    await office.send()
    for _ in range(3):
        await resolve_unknown(office.app, office.clock())
    assert await office.asks("select state, reference from attempts") == [("accepted", "SM7")]


async def test_where_nobody_can_tell_it_stays_unknown_and_the_next_channel_is_taken(office: Post) -> None:
    office.sms.answers.append(Uncertain("no answer"))
    office.sms.finds.append(CANNOT_TELL)
    await office.send()
    await resolve_unknown(office.app, office.clock())
    assert await office.asks(MESSAGE) == [("unknown", 1, False, True)]
    await office.open()
    await office.send()
    assert (len(office.sms.sent), len(office.mail.sent)) == (1, 1)


async def test_a_lease_that_runs_out_leaves_doubt_and_never_a_second_send(office: Post) -> None:
    await office.send()
    await office.store("update outbound set state = 'sending', lease_until = now() - interval '1 second'")
    await office.store("update attempts set state = 'sending', reference = null")
    assert await office.send() == 0
    office.sms.finds.append(LookupFailed("not now"))
    await resolve_unknown(office.app, office.clock())
    assert (await office.asks(MESSAGE))[0][0] == "unknown"
    assert len(office.sms.sent) == 1


async def test_an_adapter_that_fails_in_a_way_of_its_own_leaves_doubt(office: Post) -> None:
    office.sms.answers.append(ZeroDivisionError("oops"))
    await office.send()
    assert (await office.asks(MESSAGE))[0][0] == "unknown"


async def test_after_an_outage_what_is_late_expires_instead_of_going_out(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 3) as office:
        await office.queue()
        await office.store("update outbound set send_until = :soon", soon=now + timedelta(hours=1))
        office.sms.answers.extend(Unreached("no route") for _ in range(3))
        await office.send()
        office.clock.advance(now + timedelta(hours=6))
        assert await office.send() == 3
        assert await office.states() == [("expired", 3)]
        assert len(office.sms.sent) == 3
        assert await office.asks("select distinct state from contacts") == [("planned",)]


async def test_a_bell_that_rang_before_is_heard() -> None:
    bell = Bell()
    bell.ring()
    await bell.wait(60)
