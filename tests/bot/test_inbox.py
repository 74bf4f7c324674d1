"""What comes in is handled, whatever else comes with it and whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from knocking import knock, open_door, sms
from sending import Post, post
from sqlalchemy import text

from bot.arrivals import MAIL, MOST, PAYMENTS, SMS
from bot.arrivals import READERS as ARRIVALS
from bot.consenting import UNHEARD
from bot.inbox import MOST_TRIES, STATUS_BATCH, handle_inbox, handle_round, keep, keep_mail
from bot.pay.provider import PAID
from bot.running import Part, working
from bot.statuses import SMS_STATUS
from dialogs.script import Script

ROWS = "select state, tries from inbox order by id"


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with post(database_url, now) as running:
        await running.queue()
        await running.send()
        yield running


class Unreliable(dict[str, Script]):
    """Scripts that are not there when they are wanted, for a reason nobody thought of."""

    fault: Exception = RuntimeError("no \0 script \ud800")

    def get(self, key: str, default: object = None) -> Script:  # type: ignore[override] # it never answers
        raise self.fault


def unreliable(office: Post, fault: Exception) -> Post:
    scripts = Unreliable(office.app.scripts)
    scripts.fault = fault
    return replace(office, app=replace(office.app, scripts=scripts))


@pytest.mark.parametrize(
    "fault", [RuntimeError("no \0 script \ud800"), OverflowError("too late"), Exception("who knows"), BufferError()]
)
async def test_whatever_an_event_fails_with_it_is_parked_and_the_others_are_handled(
    office: Post, fault: Exception
) -> None:
    broken = unreliable(office, fault)
    await broken.hears("vineri", "SM1")
    await broken.hears("hello", "SM2", "+40700000001")
    assert await handle_inbox(broken.app, broken.clock()) == MOST_TRIES + 1
    assert await broken.asks(ROWS) == [("parked", MOST_TRIES), ("done", 0)]
    (error,) = (await broken.asks("select error from inbox where state = 'parked'"))[0]
    assert type(fault).__name__ in str(error)


@pytest.mark.parametrize(("words", "booked"), [("STOP", [("opted_out", "word", "twilio-sms:SM1")]), ("vineri", [])])
async def test_a_stop_that_no_script_could_hear_counts_all_the_same(
    office: Post, words: str, booked: list[tuple[object, ...]]
) -> None:
    broken = unreliable(office, RuntimeError("no script"))
    await broken.hears(words, "SM1")
    await handle_inbox(broken.app, broken.clock())
    assert await broken.asks("select what, means, evidence from consents") == booked
    assert await broken.asks(ROWS) == [("parked", MOST_TRIES)]
    tasks = await broken.asks("select reason, source from tasks where kind = 'review'")
    assert tasks == ([(UNHEARD, "twilio-sms:SM1:unheard")] if booked else [])


async def test_where_even_that_fails_the_event_is_parked(office: Post) -> None:
    broken = unreliable(office, RuntimeError("no script"))
    await broken.store("alter table tasks add constraint nobody_is_there check (false) not valid")
    await broken.hears("STOP", "SM1")
    await handle_inbox(broken.app, broken.clock())
    assert await broken.asks(ROWS) == [("parked", MOST_TRIES)]
    assert await broken.asks("select from consents") == []


async def test_an_event_nobody_can_read_is_parked_at_once(office: Post) -> None:
    async with office.app.database.write() as session:
        await keep(session, PAYMENTS, "unreadable", b"{}", office.clock())
        await keep(session, SMS, "SM1", b"Body=x", office.clock())
    await handle_inbox(office.app, office.clock())
    assert await office.asks(ROWS) == [("parked", 1), ("parked", 1)]


async def test_an_event_that_breaks_its_reader_keeps_no_other_waiting(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows yet which event could; the reader is made to break on one that is well."""

    def break_down(raw: bytes) -> object:
        raise RecursionError(len(raw))

    monkeypatch.setattr("bot.arrivals.READERS", {**ARRIVALS, MAIL: break_down})
    async with office.app.database.write() as session:
        await keep_mail(session, b"From: ana@example.com\r\nTo: x@amiable.example\r\n\r\nhello", office.clock())
    await office.hears("cine sunteți?", "SM1", "+40700000009")
    await handle_inbox(office.app, office.clock())
    assert await office.asks("select provider, state from inbox order by id") == [(MAIL, "done"), (SMS, "done")]


async def test_the_worker_goes_on_after_a_fault_of_its_own(office: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.running.PAUSE_SECONDS", 0.01)
    faults, looks, twice = iter([OverflowError("no such time"), RuntimeError("no clock")]), count(), asyncio.Event()

    def clock() -> datetime:
        for fault in faults:
            raise fault
        if next(looks):
            twice.set()
        return office.clock()

    await office.hears("hello", "SM1", "+40700000001")
    async with working(replace(office.app, clock=clock), [Part.INBOX]), asyncio.timeout(30):
        await twice.wait()
    assert await office.asks(ROWS) == [("done", 0)]


@asynccontextmanager
async def handled_elsewhere(office: Post, number: int) -> AsyncIterator[None]:
    """Another process has taken up that event."""
    async with office.app.database.write() as session, asyncio.timeout(120):
        await session.execute(text("select from inbox where id = :number for update"), {"number": number})
        yield


async def test_two_messages_within_seconds_are_answered_in_their_order_by_any_number_of_processes(office: Post) -> None:
    await office.hears("voi plăti vineri", "SM1")
    await office.hears("da", "SM2")
    async with handled_elsewhere(office, 1):
        assert await handle_round(office.app, office.clock()) == 0
    assert await handle_inbox(office.app, office.clock()) == 2
    assert await office.asks("select state from promises") == [("open",)]


async def test_a_message_does_not_wait_for_those_of_others(office: Post) -> None:
    await office.hears("voi plăti vineri", "SM1")
    await office.hears("STOP", "SM2", "+40700000009")
    async with handled_elsewhere(office, 1):
        assert await handle_round(office.app, office.clock()) == 1


async def test_who_writes_much_keeps_nobody_waiting(office: Post) -> None:
    for number in range(1, 2 * MOST):
        await office.hears("cine sunteți?", f"SM{number}")
    await office.hears("STOP", "SM100", "+40700000009")
    assert await handle_round(office.app, office.clock()) == 2
    assert await office.asks("select event from inbox where state = 'done' order by id") == [("SM1",), ("SM100",)]


async def test_replies_that_stop_and_news_of_deliveries_hold_addresses_in_one_order(
    database_url: str, now: datetime
) -> None:
    async with post(database_url, now, 3) as office, asyncio.timeout(120):
        await office.hears("STOP", "SM1", "+40712345002")
        await office.hears("STOP", "SM2", "+40712345000")
        first, *_, last = await office.asks("select id from addresses order by id")
        hold = text("select from addresses where id = :address for no key update")
        async with office.app.database.write() as session:
            await session.execute(hold, {"address": first[0]})
            replies = asyncio.create_task(handle_round(office.app, office.clock()))
            while not await office.asks("select from pg_locks where not granted"):  # noqa: ASYNC110 - rings no bell
                await asyncio.sleep(0.01)
            await session.execute(hold, {"address": last[0]})
        assert await replies == 2
        assert await office.asks("select state, tries from inbox") == [("done", 0), ("done", 0)]


async def test_replies_that_come_together_share_a_transaction_and_one_that_fails_harms_no_other(office: Post) -> None:
    await office.hears("voi plăti vineri", "SM1")
    for number in range(2, MOST + 1):
        await office.hears("cine sunteți?", f"SM{number}", f"+4070000{number:04d}")
    assert await handle_round(office.app, office.clock()) == MOST
    assert await office.asks("select count(distinct xmin::text) from inbox") == [(1,)]
    await office.hears("da", f"SM{MOST + 1}")
    await office.hears("cine sunteți?", f"SM{MOST + 2}", "+40700000003")
    await office.store("alter table promises add constraint none_today check (false) not valid")
    await handle_inbox(office.app, office.clock())
    assert await office.asks("select state, count(*) from inbox group by state order by state") == [
        ("done", MOST + 1),
        ("parked", 1),
    ]


CHECKOUT = """
with link as (
  insert into pay_links (digest, client_id, currency, created_at) values ('x', 1, 'RON', :now) returning id
)
insert into checkouts (id, pay_link_id, amount, created_at) select :checkout, id, 20000, :now from link
"""


async def test_a_payment_is_known_to_a_reply_that_came_with_it(office: Post) -> None:
    checkout, now = str(uuid4()), office.clock()
    await office.store(CHECKOUT, checkout=checkout, now=now)
    await office.hears("cât am de plată?")
    paid = {"id": "e1", "type": PAID, "checkout": "c1", "reference": checkout, "amount": 20000, "currency": "RON"}
    async with office.app.database.write() as session:
        await keep(session, PAYMENTS, "e1", json.dumps(paid).encode(), now)
    await office.talk()
    assert await office.asks("select state, error from inbox order by id") == [("done", "answered"), ("done", None)]
    assert office.sms.sent[-1].body == 'În acest moment nu aveți nimic de plată.\nColeg: "operator".'


async def test_what_one_person_says_by_two_channels_at_once_is_answered_one_after_the_other(office: Post) -> None:
    await office.hears("voi plăti vineri", "SM1")
    async with office.app.database.write() as session:
        raw = b"From: ana@example.com\r\nTo: x@amiable.example\r\nMessage-ID: <1@x>\r\n\r\nSTOP"
        await keep_mail(session, raw, office.clock())
    await office.store(
        "insert into addresses (client_id, channel, sealed, lookup) select client_id, 'email',"
        " convert_to('ana@example.com', 'utf8'), sha256(convert_to('email:ana@example.com', 'utf8'))"
        " from addresses limit 1"
    )
    assert await handle_round(office.app, office.clock()) == 2
    assert await office.asks("select error from inbox order by id") == [("answered",), ("opted out",)]


async def test_reports_keep_no_reply_waiting(office: Post) -> None:
    async with office.app.database.write() as session:
        for number in range(STATUS_BATCH + 1):
            form = urlencode({"MessageSid": "SM", "MessageStatus": "sent"}).encode()
            await keep(session, SMS_STATUS, f"SM:{number}", form, office.clock(), f"/s/{uuid4()}")
    await office.hears("STOP", "SM1")
    await handle_round(office.app, office.clock())
    left = "select provider, count(*) from inbox where state = 'new' group by provider"
    assert await office.asks(left) == [(SMS_STATUS, 1)]
    assert await handle_inbox(office.app, office.clock()) == 1
    assert await office.asks(left) == []


async def test_a_mail_with_a_name_that_cannot_be_kept_is_kept_all_the_same(office: Post) -> None:
    names = (b"<a\0b@x>", b"<\xed\xa0\x80@x>", b"<" + b"a" * 5_000 + b"@x>")
    for name in names:
        async with office.app.database.write() as session:
            raw = b"From: ana@example.com\r\nTo: x@amiable.example\r\nMessage-ID: " + name + b"\r\n\r\nhello"
            assert await keep_mail(session, raw, office.clock())
    assert await office.asks(f"select count(*) from inbox where provider = '{MAIL}'") == [(len(names),)]  # noqa: S608


async def test_a_card_number_in_an_sms_is_never_stored(database_url: str, now: datetime) -> None:
    async with open_door(database_url, now) as (web, wired):
        assert await knock(web, sms("+40712345678", "cardul meu: 4111 1111 1111 1111")) == 200
        async with wired.app.database.read() as session:
            raw = await session.scalar(text("select raw from inbox"))
    assert b"cardul+meu" in raw
    assert b"4111" not in raw
