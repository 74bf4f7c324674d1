"""Consent, whatever it was said by and on whichever channel: one kind of line, never rewritten, confirmed once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from email.message import EmailMessage

import pytest
from given import PLAN, given_client
from loop import ANA_MAIL, ANA_PHONE, Loop, running_loop
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from bot.hearing import hear
from bot.inbox import keep_mail
from channels.port import Inbound
from channels.sandbox.sms import Fate
from dialogs.message import Keys, Said
from engine.contact import ChannelKind
from engine.store.consents import Consent, Means, Proof, ReasonMissing, book_consent
from engine.store.tables.portfolio import Address

LINES = "select channel, what, means from consents order by id"
OUT = "select count(*) from addresses where opted_out_at is not null"
COMPLAINT = b"""Return-Path: <fbl@provider.example>\r
From: fbl@provider.example\r
To: abuse@amiable.example\r
Message-ID: <c1@provider.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
This is a complaint.\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
Version: 1\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: %s\r
\r
--b--\r
"""


@pytest.fixture
async def loop(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    async with running_loop(database_url, now) as running:
        yield running


@pytest.fixture
async def by_mail(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    """Ana, who has a mailbox alone, has been written to."""
    async with running_loop(database_url, now, email=ANA_MAIL) as running:
        await running.decide()
        yield running


async def brings(loop: Loop, raw: bytes) -> None:
    """A mail arrives."""
    async with loop.sandbox.wired.app.database.write() as session:
        await keep_mail(session, raw, loop.clock())
    await loop.sandbox.settle()


@pytest.mark.parametrize("words", ["STOP", "Dezabonare", "досить", "не пишите мне"])
async def test_a_stop_in_any_language_is_one_line_and_confirmed_once(loop: Loop, words: str) -> None:
    await loop.decide()
    told = len(loop.heard())
    await loop.says(words)
    await loop.says("stop")
    assert await loop.asks(LINES) == [("sms", "opted_out", "word")]
    assert len(loop.heard()) == told + 1
    ((evidence,),) = await loop.asks("select evidence from consents")
    assert await loop.asks(f"select count(*) from inbox where provider || ':' || event = '{evidence}'") == [(1,)]  # noqa: S608 our own


async def test_a_stop_from_one_we_never_wrote_to_is_confirmed_too(loop: Loop) -> None:
    await loop.says("STOP")
    assert await loop.asks(LINES) == [("sms", "opted_out", "word")]
    assert len(loop.heard()) == 1


async def test_a_stop_outside_of_any_talk_has_a_talk_of_its_own_in_the_language_it_came_in(loop: Loop) -> None:
    await loop.says("не пишите мне больше, пожалуйста")
    assert await loop.asks("select script, language from conversations") == [("opt_out_done", "ru")]
    assert await loop.asks("select author from messages order by id") == [("client",), ("bot",)]


@pytest.mark.parametrize("words", ["ați greșit numărul", "wrong number", "вы ошиблись номером"])
async def test_who_says_first_that_we_are_mistaken_is_asked_for_pardon_and_told_nothing(loop: Loop, words: str) -> None:
    await loop.says(words)
    assert await loop.asks("select script from conversations where channel = 'sms'") == [("wrong_person",)]
    assert await loop.asks(LINES) == [("sms", "unusable", "word")]
    (answer,) = loop.heard()
    assert "200" not in answer


async def test_the_key_nine_in_a_call_is_an_opt_out(database_url: str, now: datetime) -> None:
    plan = PLAN.replace("[sms, email]", "[voice]")
    async with running_loop(database_url, now, plan=plan, voice=ANA_PHONE) as loop:
        loop.sandbox.carriers.calls.will(ANA_PHONE, Keys("9"))
        await loop.decide()
        assert await loop.asks(LINES) == [("voice", "opted_out", "key")]


def unsubscription(loop: Loop, sender: str) -> EmailMessage:
    """What somebody's mail program writes to the address of the list header."""
    (sent,) = loop.sandbox.carriers.relay.sent
    letter = EmailMessage()
    letter["From"], letter["Message-ID"], letter["Auto-Submitted"] = sender, "<u1@example.com>", "auto-generated"
    letter["To"] = sent.message["List-Unsubscribe"].removeprefix("<mailto:").removesuffix(">")
    letter.set_content("This message was automatically generated.")
    return letter


@pytest.mark.parametrize("sender", [ANA_MAIL, "ana.work@elsewhere.example", "ion@example.com", "<>"])
async def test_a_mail_to_the_address_of_the_list_header_is_an_opt_out_whoever_wrote_it(
    by_mail: Loop, sender: str
) -> None:
    async with by_mail.sandbox.wired.app.database.write() as session:
        await given_client(session, "Ion Rusu", email="ion@example.com")
    await brings(by_mail, unsubscription(by_mail, sender).as_bytes())
    assert await by_mail.asks("select client_id, what, means from consents") == [(by_mail.ana, "opted_out", "link")]
    assert await by_mail.asks("select client_id from addresses where opted_out_at is not null") == [(by_mail.ana,)]
    assert await by_mail.asks("select script from conversations order by id") == [("reminder",), ("opt_out_done",)]
    assert len(by_mail.read()) == 2


@pytest.mark.parametrize(("owner", "mails"), [("bot", 2), ("waiting", 1)])
async def test_an_old_talk_s_list_header_counts_as_well_and_a_person_s_talk_stays_theirs(
    by_mail: Loop, owner: str, mails: int
) -> None:
    change = text("update conversations set owner = :owner, last_at = last_at - interval '1 year'")
    async with by_mail.sandbox.wired.app.database.write() as session:
        await session.execute(change, {"owner": owner})
    await brings(by_mail, unsubscription(by_mail, "ana.work@elsewhere.example").as_bytes())
    assert await by_mail.asks(LINES) == [("email", "opted_out", "link")]
    assert len(by_mail.read()) == mails


async def test_a_complaint_that_names_no_mail_of_ours_is_known_by_the_address_of_bounces(by_mail: Loop) -> None:
    (attempt,) = (await by_mail.asks("select id from attempts"))[0]
    report = (COMPLAINT % b"<redacted@provider.example>").replace(
        b"To: abuse@amiable.example", f"To: bounce+{attempt}@amiable.test".encode()
    )
    await brings(by_mail, report)
    assert await by_mail.asks(LINES) == [("email", "opted_out", "complaint")]


async def test_a_complaint_is_an_opt_out_that_nobody_confirms(by_mail: Loop) -> None:
    (sent,) = by_mail.sandbox.carriers.relay.sent
    await brings(by_mail, COMPLAINT % sent.message_id.encode())
    await brings(by_mail, (COMPLAINT % sent.message_id.encode()).replace(b"<c1@", b"<c2@"))
    assert await by_mail.asks(LINES) == [("email", "opted_out", "complaint")]
    assert await by_mail.asks("select state from outbound") == [("delivered",)]
    assert len(by_mail.read()) == 1


@pytest.mark.parametrize(("error", "line"), [("21610", "opted_out"), ("21211", "unusable")])
async def test_what_a_carrier_says_of_an_address_is_in_the_ledger(loop: Loop, error: str, line: str) -> None:
    loop.sandbox.carriers.twilio.fate(ANA_PHONE, Fate.REFUSED, error)
    await loop.decide()
    assert await loop.asks(LINES) == [("sms", line, "carrier")]
    assert await loop.asks("select left(evidence, 8), reason from consents") == [("attempt:", error)]


@pytest.mark.parametrize("words", ["START", "Reabonare", "підписатися", "подписаться", "Reluați mesajele"])
async def test_only_the_one_who_stopped_us_lets_us_write_again(loop: Loop, words: str) -> None:
    await loop.says("STOP")
    await loop.says("cât am de plată?")
    assert await loop.asks(OUT) == [(1,)]
    await loop.says(words)
    assert await loop.asks(OUT) == [(0,)]
    assert (await loop.asks(LINES))[1:] == [("sms", "opted_in", "word")]
    assert len(loop.heard()) == 2
    await loop.says("cât am de plată?")
    assert len(loop.heard()) == 3


@pytest.mark.parametrize("words", ["Возобновите", "возобновить", "відновіть", "Reluați", "reia", "подписка"])
async def test_who_wants_the_service_back_has_not_asked_for_messages(loop: Loop, words: str) -> None:
    await loop.says("STOP")
    await loop.says(words)
    assert await loop.asks(LINES) == [("sms", "opted_out", "word")]


async def test_a_start_of_one_who_never_stopped_us_is_a_reply_like_any_other(loop: Loop) -> None:
    await loop.says("start")
    assert await loop.asks(LINES) == []


async def test_an_operator_says_why(loop: Loop) -> None:
    await loop.says("STOP")
    async with loop.sandbox.wired.app.database.write() as session:
        (address,) = await session.scalars(select(Address.id).where(Address.channel == "sms"))
        with pytest.raises(ReasonMissing):
            await book_consent(session, Consent.OPTED_IN, [address], Proof(Means.OPERATOR, "user:1"), loop.clock())
        proof = Proof(Means.OPERATOR, "user:1", "she asked for it by telephone")
        assert await book_consent(session, Consent.OPTED_IN, [address], proof, loop.clock()) == 1
    assert await loop.asks(OUT) == [(0,)]


async def called_dead(loop: Loop, means: Means) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        (address,) = await session.scalars(select(Address.id).where(Address.channel == "sms"))
        await book_consent(session, Consent.UNUSABLE, [address], Proof(means, "attempt:1"), loop.clock())


@pytest.mark.parametrize("words", ["cat am de plata?", "STOP"])
async def test_who_writes_from_an_address_that_a_carrier_called_dead_is_answered(loop: Loop, words: str) -> None:
    await loop.decide()
    told = len(loop.heard())
    await called_dead(loop, Means.CARRIER)
    await loop.says(words)
    assert len(loop.heard()) == told + 1
    assert await loop.asks("select count(*) from addresses where dead_since is not null") == [(0,)]
    assert (await loop.asks(LINES))[:2] == [("sms", "unusable", "carrier"), ("sms", "usable", "word")]


@pytest.mark.parametrize("means", [Means.WORD, Means.FEED])
async def test_an_address_that_is_known_to_be_somebody_else_s_stays_so_whoever_writes_from_it(
    loop: Loop, means: Means
) -> None:
    await called_dead(loop, means)
    await loop.says("cat am de plata?")
    assert loop.heard() == []
    assert await loop.asks(LINES) == [("sms", "unusable", means.value)]
    assert await loop.asks("select error from inbox where error in ('heard', 'answered')") == [("heard",)]


async def test_a_stranger_at_an_address_that_a_carrier_called_dead_is_asked_for_pardon(loop: Loop) -> None:
    await called_dead(loop, Means.CARRIER)
    await loop.says("ați greșit numărul")
    await loop.says("cat am de plata?")
    assert len(loop.heard()) == 1
    assert [what for _, what, _ in await loop.asks(LINES)] == ["unusable", "usable", "unusable"]


@pytest.mark.parametrize(("words", "answers"), [("STOP", 1), ("START", 2)])
async def test_the_same_word_twice_at_one_moment_is_booked_once(loop: Loop, words: str, answers: int) -> None:
    """A second START is a reply in the talk that the first began, as it is a minute later."""
    if words == "START":
        await loop.says("STOP")
        await loop.later(days=20)
    told, app = len(loop.heard()), loop.sandbox.wired.app
    inbound = Inbound(ChannelKind.SMS, "SM1", ANA_PHONE, Said(words))

    async def hears(event: str) -> None:
        async with app.database.write() as session:
            await hear(session, app, inbound, event, loop.clock())

    async with app.database.write() as session:
        await hear(session, app, inbound, "twilio:SM1", loop.clock())
        other = asyncio.create_task(hears("twilio:SM2"))
        while not await loop.asks("select from pg_locks where not granted"):  # noqa: ASYNC110 - no bell is rung by it
            await asyncio.sleep(0.01)
    await other
    await loop.sandbox.settle()
    assert len(loop.heard()) == told + answers
    assert len(await loop.asks(LINES)) == answers


async def test_no_line_says_what_is_not_known(loop: Loop) -> None:
    line = text("insert into case_events (client_id, at, kind, detail) values (:client, now(), 'consent', :detail)")
    whole: dict[str, object] = {"address": 1, "channel": "sms", "what": "usable", "means": "word", "evidence": "x:1"}
    short = [{name: value for name, value in whole.items() if name != missing} for missing in whole]
    for detail in [*short, *(whole | {name: None} for name in whole), whole | {"address": "one"}]:
        with pytest.raises(IntegrityError, match="ck_case_events_consent"):
            async with loop.sandbox.wired.app.database.write() as session:
                await session.execute(line, {"client": loop.ana, "detail": json.dumps(detail)})
    async with loop.sandbox.wired.app.database.write() as session:
        await session.execute(line, {"client": loop.ana, "detail": json.dumps(whole)})
