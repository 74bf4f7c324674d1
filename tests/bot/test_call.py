"""Whole calls: the application rings, a person in memory answers, and what they say is booked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from urllib.parse import urlencode

import httpx
import pytest
from given import given_client, given_invoice, given_plans, plan
from loop import Loop
from sqlalchemy import text

from bot.clock import SimulatedClock
from bot.sandbox import sandbox
from channels.sandbox.call import Call, HangsUp
from channels.signatures import sign_form
from dialogs.message import Keys, Said
from engine.calendar import AnyHour
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import lock_clients

PHONE, MOBILE = "+40712345678", "+40712345679"
PLAN = plan("""
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [voice, sms]}]
""")
DEBT = re.compile(
    r"200|lei|debt|balance|due|owe|unpaid|overdue|datori|restan|scaden|sold|plat[ăi]|борг|долг|долж|сплат|оплат|залишок",
    re.IGNORECASE,
)
STATES = "select t.channel, o.state from outbound o join conversations t on t.id = o.conversation_id order by o.id"


@asynccontextmanager
async def by_telephone(database_url: str, now: datetime, language: str = "en", **addresses: str) -> AsyncIterator[Loop]:
    """Ana can be called, and owes 200 lei on account ACC-1001; nothing decided yet."""
    clock = SimulatedClock(now)
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest") as running:
        async with running.wired.app.database.write() as session:
            await given_plans(session, PLAN)
            ana = await given_client(session, language=language, **{"voice": PHONE, "sms": MOBILE, **addresses})
            await given_invoice(session, ana, "I1", "200", date(2026, 3, 1), account="ACC-1001")
        yield Loop(running, clock, ana)


@pytest.fixture
async def loop(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    async with by_telephone(database_url, now) as running:
        yield running


def the_call(loop: Loop) -> Call:
    (call,) = loop.sandbox.carriers.calls.calls
    return call


async def does(loop: Loop, *deeds: Keys | Said | HangsUp) -> Call:
    """What Ana does at the next questions of the call that the day's decision makes, and all that follows."""
    loop.sandbox.carriers.calls.will(PHONE, *deeds)
    await loop.decide()
    return the_call(loop)


KNOWN = (Keys("1"), Keys("1001"))
"""Yes, it is me; and the last four digits of my account."""


async def test_nothing_of_the_debt_is_said_before_the_caller_is_known(loop: Loop) -> None:
    call = await does(loop, Keys("1"))
    assert "Am I speaking with Ana?" in call.heard
    assert "last four digits" in call.heard
    assert not DEBT.search(call.heard)
    await loop.sandbox.carriers.calls.press(PHONE, "1001")
    assert "unpaid balance is 200 Romanian lei" in call.heard
    assert "Pay now: press 1." in call.heard
    assert "http" not in call.heard


@pytest.mark.parametrize("said", ["yes", "Yes, speaking."])
async def test_who_is_there_can_be_said_as_well_as_pressed(loop: Loop, said: str) -> None:
    call = await does(loop, Said(said), Said("1 0 0 1"))
    assert "200 Romanian lei" in call.heard


async def test_a_promise_is_made_by_keys(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("2"), Keys("13"), Keys("1"))
    assert "200 Romanian lei, by Friday, the thirteenth of March" in call.heard
    assert call.heard.endswith("Goodbye.")
    assert await loop.asks("select state, amount, until::text, channel from promises") == [
        ("open", 20000, "2026-03-13", "voice")
    ]
    assert await loop.asks(STATES) == [("voice", "delivered")]
    assert call.over


async def test_a_call_is_kept_in_the_order_it_was_spoken(loop: Loop) -> None:
    await does(loop, *KNOWN, Keys("2"), Keys("13"), Keys("1"))
    spoken = await loop.asks("select author from messages order by id")
    assert [author for (author,) in spoken] == ["bot"] + ["client", "bot"] * 5


async def test_a_promise_is_made_by_speech(loop: Loop) -> None:
    await does(loop, *KNOWN, Said("I'll pay on Friday."), Said("Yes."))
    assert await loop.asks("select state, amount, until::text from promises") == [("open", 20000, "2026-03-13")]


async def test_a_call_speaks_the_clients_language(database_url: str, now: datetime) -> None:
    async with by_telephone(database_url, now, language="ro") as loop:
        call = await does(loop, Said("da"), Keys("1001"), Said("plătesc vineri"), Said("da"))
        assert "Vorbesc cu Ana?" in call.heard
        assert "200 de lei" in call.heard
        assert await loop.asks("select until::text from promises") == [("2026-03-13",)]


async def test_installments_are_asked_for_in_a_call(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("3"), Keys("3"))
    assert "in 3 parts" in call.heard
    assert await loop.asks("select parts, channel from installment_requests") == [(3, "voice")]


async def test_the_link_to_pay_comes_by_sms_while_the_call_says_so(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("1"))
    assert "by text message" in call.heard
    (sms,) = loop.heard(MOBILE)
    assert re.search(r"https?://\S+/pay/\w+", sms)
    assert await loop.asks(STATES) == [("voice", "delivered"), ("sms", "delivered")]


async def test_without_a_mobile_no_link_is_promised(database_url: str, now: datetime) -> None:
    async with by_telephone(database_url, now) as loop:
        async with loop.sandbox.wired.app.database.write() as session:
            await session.execute(text("update addresses set opted_out_at = now() where channel = 'sms'"))
        call = await does(loop, *KNOWN, Keys("1"))
        assert "text message" not in call.heard
        assert "the way you usually do" in call.heard


async def test_zero_asks_for_a_person_who_will_call_back(loop: Loop) -> None:
    call = await does(loop, Keys("0"))
    assert "A colleague will call you back." in call.heard
    assert not DEBT.search(call.heard)
    assert await loop.asks("select kind from tasks") == [("callback",)]
    assert await loop.asks("select owner from conversations") == [("waiting",)]
    assert await loop.asks(STATES) == [("voice", "sent")], "somebody who waits for a person is not chased by SMS"


async def test_zero_connects_where_there_is_an_operator(
    database_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMIABLE_OPERATOR_NUMBER", "+40312345000")
    async with by_telephone(database_url, now) as loop:
        call = await does(loop, *KNOWN, Keys("0"))
        assert call.passed_to == "+40312345000"
        assert call.heard.endswith("I am connecting you. Please stay on the line.")


async def test_three_wrong_numbers_go_to_a_person_without_a_word_of_the_debt(loop: Loop) -> None:
    call = await does(loop, Keys("1"), Keys("1111"), Keys("2222"), Keys("3333"))
    assert "could not make sure whom" in call.heard
    assert not DEBT.search(call.heard)
    assert await loop.asks("select reason from tasks") == [("conversation handed over: identity",)]
    assert await loop.asks("select content ->> 'digits' from messages where content ? 'digits' order by id") == [
        ("1",), ("••••",), ("••••",), ("••••",),
    ]  # fmt: skip


async def test_somebody_else_at_the_telephone_hears_nothing_and_the_next_channel_is_tried(loop: Loop) -> None:
    call = await does(loop, Keys("2"))
    assert not DEBT.search(call.heard)
    assert await loop.asks(STATES) == [("voice", "failed"), ("sms", "delivered")]


async def test_no_more_calls_is_understood_from_anybody(loop: Loop) -> None:
    call = await does(loop, Said("stop calling me"))
    assert "We won't call you on this number again." in call.heard
    assert not DEBT.search(call.heard)
    assert await loop.asks("select channel from addresses where opted_out_at is not null") == [("voice",)]


async def test_silence_is_asked_about_twice_and_then_ends_with_a_goodbye(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    for _ in range(2):
        await loop.sandbox.carriers.calls.keep_silent(PHONE)
        assert not call.over
    assert call.heard.count("I could not hear an answer.") == 2
    assert call.heard.count("Pay now: press 1.") == 3
    await loop.sandbox.carriers.calls.keep_silent(PHONE)
    assert call.over
    assert call.heard.endswith("Goodbye.")
    await loop.sandbox.settle()
    assert await loop.asks(STATES) == [("voice", "delivered")], "it was heard to its end"


async def test_a_wrong_key_is_said_and_the_question_put_again(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("8"), Keys("2"))
    assert call.heard.count("I didn't catch that.") == 1
    assert call.heard.count("Pay now: press 1.") == 2
    assert "By which day can you pay?" in call.heard


async def test_a_star_repeats_as_often_as_wanted(loop: Loop) -> None:
    call = await does(loop, *KNOWN, *[Keys("*")] * 4)
    assert call.heard.count("unpaid balance is 200") == 5
    assert not call.over


@pytest.mark.parametrize(
    ("pickup", "language"),
    [("machine", "en"), ("machine", "ro"), ("machine", "uk"), ("machine", "ru"), ("unknown", "en"), ("fax", "en")],
)
async def test_a_machine_hears_no_word_of_the_debt(
    database_url: str, now: datetime, pickup: str, language: str
) -> None:
    async with by_telephone(database_url, now, language=language) as loop:
        loop.sandbox.carriers.calls.fate(PHONE, pickup)
        await loop.decide()
        call = the_call(loop)
        assert call.over
        assert not DEBT.search(call.heard)
        assert ("Acme Telecom" in call.heard) == (pickup != "fax")
        assert await loop.asks(STATES) == [("voice", "failed"), ("sms", "delivered")]


@pytest.mark.parametrize(("pickup", "dead"), [("busy", False), ("no-answer", False), ("failed", True)])
async def test_a_call_that_reaches_nobody_goes_on_to_the_next_channel(loop: Loop, pickup: str, dead: bool) -> None:
    loop.sandbox.carriers.calls.fate(PHONE, pickup, "404" if dead else "")
    await loop.decide()
    assert await loop.asks(STATES) == [("voice", "failed"), ("sms", "delivered")]
    assert (await loop.asks("select count(*) from addresses where dead_since is not null")) == [(int(dead),)]


async def test_putting_the_telephone_down_is_not_hearing_it(loop: Loop) -> None:
    call = await does(loop, Keys("1"), HangsUp())
    assert call.over
    assert await loop.asks(STATES) == [("voice", "failed"), ("sms", "delivered")]


async def test_a_webhook_posted_again_is_answered_again_and_books_nothing_twice(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("2"), Keys("13"))
    asked = call.asks
    first = await post(loop, call, asked, Digits="1")
    again = await post(loop, call, asked, Digits="1")
    assert first == again
    assert "We have noted" in first
    assert await loop.asks("select count(*) from promises") == [(1,)]
    assert await loop.asks("select count(*) from messages where content ->> 'digits' = '1'") == [(2,)]
    assert await loop.asks("select count(*) from inbox where state <> 'done'") == [(0,)]


async def test_a_call_with_a_forged_signature_is_refused(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    url = loop.sandbox.settings.public_url + call.asks
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.post(url, data={"CallSid": call.sid, "Digits": "1"})
    assert answer.status_code == 403
    assert "200" not in answer.text


async def test_who_calls_us_is_asked_who_they_are_first(loop: Loop) -> None:
    calls = loop.sandbox.carriers.calls
    call = await calls.call_in(PHONE, Keys("1"))
    assert not DEBT.search(call.heard)
    await calls.press(PHONE, "1001")
    assert "How can we help you?" in call.heard
    await calls.speak(PHONE, "how much do I owe?")
    assert "The amount due is 200 Romanian lei" in call.heard
    assert await loop.asks("select script, channel from conversations") == [("inbound", "voice")]


async def test_a_stranger_who_calls_hears_how_to_reach_a_person(loop: Loop) -> None:
    call = await loop.sandbox.carriers.calls.call_in("+40799999999")
    assert "We do not know the number" in call.heard
    assert call.over
    assert await loop.asks("select count(*) from conversations") == [(0,)]


async def post(loop: Loop, call: Call, path: str, **fields: str) -> str:
    """Post a webhook of a call as Twilio does."""
    settings = loop.sandbox.settings
    url = settings.public_url + path
    form = {
        "CallSid": call.sid, "From": settings.voice_number, "To": PHONE, "Direction": "outbound-api", **fields,
    }  # fmt: skip
    signature = sign_form(settings.twilio_auth_token.get_secret_value(), url, list(form.items()))
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient() as twilio:
        return (await twilio.post(url, content=urlencode(form), headers=headers)).raise_for_status().text


async def test_the_same_webhook_twice_at_once_is_taken_once(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("2"), Keys("13"))
    answers = await asyncio.gather(*(post(loop, call, call.asks, Digits="1") for _ in range(5)))
    assert len(set(answers)) == 1
    assert await loop.asks("select count(*) from promises") == [(1,)]
    assert await loop.asks("select count(*) from tasks") == [(0,)]


async def test_a_second_ring_is_no_second_dialogue(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    answer = call.url
    other = await post(loop, call, answer, CallSid="CA0", AnsweredBy="human")
    assert "Hangup" in other
    assert "Say" not in other
    assert "Am I speaking with Ana?" in await post(loop, call, answer, AnsweredBy="human")


async def test_a_debt_paid_while_it_rings_is_not_chased(loop: Loop) -> None:
    call = await does(loop, HangsUp())
    app = loop.sandbox.wired.app
    async with app.database.write() as session:
        await lock_clients(session, [loop.ana])
        await receive(session, Received("p1", loop.ana, money("200", "RON"), loop.clock(), "billing"), loop.clock())
        await decide_clients(session, [loop.ana], loop.clock(), app.hours)
        await session.execute(text("update messages set content = content - 'call'"))
    assert "Say" not in await post(loop, call, call.url, CallSid="CA0", AnsweredBy="human")


async def changed(loop: Loop, change: str) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await session.execute(text(change))


NEWER = "update conversations set state = state || '{\"schema\": 99}'"
GONE = "update conversations set script = 'gone'"
LOST = "update messages set content = replace(content::text, '\"common.', '\"gone.')::jsonb"


async def test_a_call_goes_on_where_its_script_was_removed(loop: Loop) -> None:
    call = await does(loop, *KNOWN, Keys("2"))
    await changed(loop, GONE)
    assert "Friday, the thirteenth of March" in await post(loop, call, call.asks, Digits="13")


async def test_a_call_that_cannot_be_gone_on_with_is_called_back(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    await changed(loop, NEWER)
    assert "A colleague will call you back." in await post(loop, call, call.asks, Digits="2")
    assert await loop.asks("select owner from conversations") == [("waiting",)]


async def test_no_more_calls_counts_in_a_call_that_cannot_be_gone_on_with(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    await changed(loop, NEWER)
    await post(loop, call, call.asks, Digits="9")
    assert await loop.asks("select channel from addresses where opted_out_at is not null") == [("voice",)]


@pytest.mark.parametrize("change", [NEWER, LOST])
async def test_first_words_that_are_not_to_be_had_are_no_error_at_the_carrier(loop: Loop, change: str) -> None:
    call = await does(loop, HangsUp())
    await changed(loop, change)
    await changed(loop, "update messages set content = content - 'call'")
    said = await post(loop, call, call.url, AnsweredBy="human")
    assert "A colleague will call you back." in said
    assert await post(loop, call, call.url, AnsweredBy="human") == said, "posted again, it is answered as before"


async def test_a_webhook_that_names_no_call_of_ours_ends_it(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    for path in ("/turn/2/0/0", "/end/2", "/dialed/2"):
        for key in ("0b8a2f3c-0000-4000-8000-000000000000", "nobody"):
            assert "Hangup" in await post(loop, call, f"/webhooks/twilio/voice/{key}{path}", Digits="1")


async def test_where_the_operator_does_not_answer_a_call_back_is_promised(loop: Loop) -> None:
    call = await does(loop, *KNOWN)
    said = await post(loop, call, call.asks.partition("/turn/")[0] + "/dialed/3", DialCallStatus="no-answer")
    assert "A colleague will call you back." in said
