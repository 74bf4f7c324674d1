"""The loop from end to end: decide, send, hear, book, decide again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from urllib.parse import urlencode

import httpx
import pytest
from given import PLAN, given_client, given_invoice
from loop import ANA_MAIL, ANA_PHONE, QUARANTINE, Loop, running_loop
from sqlalchemy import text

from bot.outreach import open_contacts
from bot.resolver import resolve_unknown
from bot.sending.sender import send_due
from bot.ticks import day_tick
from channels.signatures import sign_form
from engine.agreements.disputes import dispute
from engine.calendar import SendWindow
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import lock_clients

PROMISE = "select state, amount, until::text, channel from promises"
SENT = "select o.state, o.reason from outbound o order by o.id"


@pytest.fixture
async def loop(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    async with running_loop(database_url, now) as running:
        yield running


async def test_a_promise_is_asked_for_read_back_confirmed_and_kept(loop: Loop) -> None:
    await loop.decide()
    [opening] = loop.heard()
    assert "200 lei" in opening
    await loop.says("voi plăti vineri")
    assert "13 martie" in loop.heard()[-1]
    assert await loop.asks(PROMISE) == [], "nothing is binding before it is confirmed"
    await loop.says("da")
    assert await loop.asks(PROMISE) == [("open", 20000, "2026-03-13", "sms")]
    assert await loop.asks("select told from cases") == [("suspended",)]
    await loop.later(days=1)
    await _pay(loop, "200")
    assert await loop.asks(PROMISE) == [("kept", 20000, "2026-03-13", "sms")]
    assert await loop.asks("select told from cases") == [("closed",)]


async def test_a_broken_promise_goes_on_by_itself(loop: Loop) -> None:
    await loop.decide()
    await loop.says("voi plăti vineri")
    await loop.says("da")
    await loop.later(days=3)
    assert (await loop.asks(PROMISE))[0][0] == "broken"
    await loop.later(days=7)
    assert await loop.asks("select verb from service_orders") == [("suspend_service",)]


async def test_a_reply_by_mail_reaches_its_own_talk(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, email=ANA_MAIL) as loop:
        await loop.decide()
        assert loop.sandbox.carriers.relay.sent[0].subject
        assert "200" not in loop.sandbox.carriers.relay.sent[0].subject, "no amount where others may read it"
        await loop.writes("Nu pot achita tot, pot plăti în 3 rate?")
        assert await loop.asks("select parts, channel from installment_requests") == [(3, "email")]
        assert len(loop.read()) == 2


async def test_an_option_of_a_mail_is_taken_by_its_link(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, email=ANA_MAIL) as loop:
        await loop.decide()
        relay = loop.sandbox.carriers.relay
        link = re.search(r'mailto:([^"?]+\.promise@[^"?]+)\?', relay.sent[0].html)
        assert link is not None
        await relay.answer(ANA_MAIL, "", to=link[1])
        await loop.sandbox.settle()
        assert "Până în ce zi" in loop.read()[-1]
        await loop.writes("vineri")
        assert "13 martie" in loop.read()[-1]
        first, *others = [mail.message for mail in relay.sent]
        assert all(mail["In-Reply-To"] == first["References"] for mail in others)
        assert {mail["Subject"] for mail in others} == {first["Subject"]}


async def test_the_link_pays_closes_and_thanks(loop: Loop) -> None:
    await loop.decide()
    link = re.search(r"https?://\S+/pay/\w+", loop.heard()[0])
    assert link is not None
    async with httpx.AsyncClient() as browser:
        assert "200" in (await browser.get(link.group())).text
        answer = await browser.post(link.group(), headers={"Origin": loop.sandbox.settings.public_url})
    await loop.sandbox.carriers.payments.pay(answer.headers["location"])
    await loop.sandbox.settle()
    assert await loop.asks("select told from cases") == [("closed",)]
    assert await loop.asks("select amount, source from payments") == [(20000, "pay_link")]
    assert len(loop.heard()) == 2
    assert "/pay/" in (await loop.asks("select convert_from(body, 'utf8') from attempts"))[0][0]
    assert link.group().rpartition("/")[2] not in str(
        await loop.asks("select convert_from(body, 'utf8') from attempts")
    )


async def test_the_words_of_an_option_choose_it_as_its_number_does(loop: Loop) -> None:
    await loop.decide()
    await loop.says("Altceva.")
    assert await loop.asks("select state ->> 'asked' from conversations") == [("more",)]


async def test_stop_ends_the_channel_with_one_confirmation(loop: Loop) -> None:
    await loop.decide()
    await loop.says("STOP")
    await loop.says("STOP")
    assert len(loop.heard()) == 2, "the opening, and exactly one confirmation"
    await loop.later(days=30)
    assert len(loop.heard()) == 2


async def test_an_unknown_number_is_kept_and_never_answered(loop: Loop) -> None:
    await loop.says("how much do I owe?", phone="+40799999999")
    assert loop.heard("+40799999999") == []
    assert await loop.asks("select state, error from inbox where provider = 'twilio-sms'") == [
        ("done", "unknown sender")
    ]
    assert await loop.asks("select count(*) from conversations") == [(0,)]


async def test_a_person_takes_over_and_the_bot_is_silent(loop: Loop) -> None:
    await loop.decide()
    await loop.says("vreau să vorbesc cu un operator")
    told = len(loop.heard())
    await loop.says("mai sunteți acolo?")
    assert len(loop.heard()) == told
    assert await loop.asks("select owner from conversations") == [("waiting",)]
    assert ("callback",) in await loop.asks("select kind from tasks")


async def test_while_a_person_is_asked_for_the_engine_starts_no_contact(database_url: str, now: datetime) -> None:
    plan = PLAN.replace(
        "after_days: 10\n        actions: [", "after_days: 2\n        actions: [{send: warning, by: [sms]}, "
    )
    async with running_loop(database_url, now, plan=plan) as loop:
        await loop.decide()
        await loop.says("vreau să vorbesc cu un operator")
        told = len(loop.heard())
        await loop.later(days=5)
        assert len(loop.heard()) == told
        await loop.later(days=15)
        assert len(loop.heard()) == told + 1, "two weeks after the last word the plan speaks again"


async def test_a_forged_webhook_is_refused_and_leaves_no_row(loop: Loop) -> None:
    form = {"MessageSid": "SM1", "From": ANA_PHONE, "Body": "STOP"}
    url = f"{loop.sandbox.settings.public_url}/webhooks/twilio/sms"
    token = loop.sandbox.settings.twilio_auth_token.get_secret_value()
    genuine = sign_form(token, url, list(form.items()))
    async with httpx.AsyncClient() as web:
        forged = await web.post(url, data=form, headers={"X-Twilio-Signature": "nonsense"})
        unsigned = await web.post(url, data=form)
        altered = await web.post(url, data=form | {"Body": "stop"}, headers={"X-Twilio-Signature": genuine})
        assert [forged.status_code, unsigned.status_code, altered.status_code] == [403, 403, 403]
        assert await loop.asks("select count(*) from inbox") == [(0,)]
        for _ in range(3):
            again = await web.post(url, data=form, headers={"X-Twilio-Signature": genuine})
            assert again.status_code == 200
        assert await loop.asks("select count(*) from inbox") == [(1,)]
        file_part = await web.post(url, files={"Body": b"x"}, headers={"X-Twilio-Signature": "x"})
        huge = await web.post(url, content=urlencode({"Body": "x" * 100_000}).encode())
        assert [file_part.status_code, huge.status_code] == [403, 413]


async def test_what_is_paid_before_the_claim_is_not_sent(loop: Loop) -> None:
    await day_tick(loop.sandbox.wired.app, loop.clock())
    await open_contacts(loop.sandbox.wired.app, loop.clock())
    await _pay(loop, "200", settle=False)
    await send_due(loop.sandbox.wired.app, loop.clock())
    assert loop.heard() == []
    assert await loop.asks(SENT) == [("refused", "the case is closed")]


async def test_what_is_frozen_before_the_claim_is_not_sent(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    await day_tick(app, loop.clock())
    await open_contacts(app, loop.clock())
    async with app.database.write() as session:
        await lock_clients(session, [loop.ana])
        await dispute(session, loop.ana, money(200, "RON"), "not mine", loop.clock())
    await send_due(app, loop.clock())
    assert loop.heard() == []
    assert await loop.asks(SENT) == [("refused", "the debt is frozen or paid")]


async def test_a_dead_number_falls_to_the_next_channel_the_same_day(loop: Loop) -> None:
    loop.sandbox.carriers.twilio.fate(ANA_PHONE, "undelivered", "30005")
    await loop.decide()
    assert len(loop.read()) == 1
    assert await loop.asks("select count(*) from addresses where dead_since is not null") == [(1,)]


async def test_a_lost_answer_is_looked_up_and_never_sent_again(loop: Loop) -> None:
    loop.sandbox.carriers.twilio.fate(ANA_PHONE, "lost")
    await day_tick(loop.sandbox.wired.app, loop.clock())
    await open_contacts(loop.sandbox.wired.app, loop.clock())
    await send_due(loop.sandbox.wired.app, loop.clock())
    state = (await loop.asks("select state from outbound"))[0][0]
    assert state in ("unknown", "sent", "delivered"), "its own callback may settle it first"
    await _settle_doubts(loop)
    assert len(loop.heard()) == 1
    assert (await loop.asks("select state from outbound"))[0][0] in ("accepted", "sent", "delivered")


async def test_what_the_carrier_never_had_is_sent_once_more_after_two_look_ups(loop: Loop) -> None:
    loop.sandbox.carriers.twilio.fate(ANA_PHONE, "broken")
    await loop.decide()
    assert loop.heard() == []
    assert (await loop.asks("select state from outbound"))[0][0] == "unknown"
    await _settle_doubts(loop)
    await loop.sandbox.settle()
    assert len(loop.heard()) == 1
    assert await loop.asks("select no, state from attempts order by no") == [(1, "failed"), (2, "delivered")]


async def test_nothing_starts_outside_the_hours(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, hours=SendWindow(time(9), time(20))) as loop:
        loop.clock.advance(now.replace(hour=18, minute=30))
        await loop.decide()
        assert loop.heard() == [], "20:30 in Bucharest"
        await loop.later(hours=12, minutes=29)
        assert loop.heard() == []
        await loop.later(minutes=1)
        assert len(loop.heard()) == 1, "09:00 the next morning"


async def test_two_engines_at_once_double_nothing(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    await asyncio.gather(*(day_tick(app, loop.clock()) for _ in range(4)))
    await asyncio.gather(*(open_contacts(app, loop.clock()) for _ in range(4)))
    await asyncio.gather(*(send_due(app, loop.clock()) for _ in range(4)))
    await loop.sandbox.settle()
    assert len(loop.heard()) == 1


async def _pay(loop: Loop, amount: str, *, settle: bool = True) -> None:
    app = loop.sandbox.wired.app
    async with app.database.write() as session:
        await lock_clients(session, [loop.ana])
        paid = Received(f"bank:{loop.clock()}", loop.ana, money(amount, "RON"), loop.clock(), "bank")
        await receive(session, paid, loop.clock())
        await decide_clients(session, [loop.ana], loop.clock(), app.hours)
    if settle:
        await loop.sandbox.settle()


async def _settle_doubts(loop: Loop) -> None:
    for _ in range(4):
        await loop.sandbox.carriers.settle()
        await asyncio.sleep(QUARANTINE * 1.2)
        await resolve_unknown(loop.sandbox.wired.app, loop.clock())


async def test_stop_counts_while_a_person_has_the_talk(loop: Loop) -> None:
    await loop.decide()
    await loop.says("vreau să vorbesc cu un operator")
    told = len(loop.heard())
    await loop.says("STOP")
    assert await loop.asks("select count(*) from addresses where opted_out_at is not null") == [(1,)]
    await loop.later(days=30)
    assert len(loop.heard()) == told


async def test_stop_from_a_shared_number_counts_for_everyone_on_it(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        ion = await given_client(session, "ion", sms=ANA_PHONE)
        await given_invoice(session, ion, "I2", "300", date(2026, 3, 1), account="ACC-2002")
    await loop.decide()
    assert len(loop.heard()) == 2
    await loop.says("STOP")
    assert await loop.asks("select count(*) from addresses where opted_out_at is not null") == [(2,)]


async def test_a_claim_ends_with_the_payment_it_told_of(loop: Loop) -> None:
    await loop.decide()
    await loop.says("am achitat deja")
    assert await loop.asks("select told from cases") == [("suspended",)]
    await _pay(loop, "200")
    assert await loop.asks("select status from payments where source = 'claim'") == [("rejected",)]
    assert await loop.asks("select count(*) from conditional_payments") == [(0,)]


async def test_a_carrier_that_never_takes_it_gives_way_to_the_next_channel(loop: Loop) -> None:
    loop.sandbox.carriers.twilio.fate(ANA_PHONE, "busy", times=5)
    await loop.decide()
    for _ in range(5):
        await loop.later(minutes=2)
    assert loop.heard() == []
    assert len(loop.read()) == 1, "the mail of the same contact"


async def test_a_contact_of_an_unknown_script_stops_nobody_else(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    await day_tick(app, loop.clock())
    async with app.database.write() as session:
        await session.execute(text("update contacts set script = 'no_such_script'"))
        ion = await given_client(session, "ion", sms="+40711111111")
        await given_invoice(session, ion, "I2", "300", date(2026, 3, 1), account="ACC-2002")
        await decide_clients(session, [ion], loop.clock(), app.hours)
    await loop.sandbox.settle()
    assert loop.heard() == []
    assert len(loop.heard("+40711111111")) == 1
    assert ("unreachable",) in await loop.asks("select state from contacts")
