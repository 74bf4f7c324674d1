"""What webhooks lose for good is found in the carrier's own records, once, and mended as if it had come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from given import PLAN
from loop import ANA_MAIL, ANA_PHONE, Loop, running_loop
from sqlalchemy import text

from bot.application import Application
from bot.gaps import Look, gap_counts, looks, open_gaps
from bot.reconciling import EVERY, FAR, OVERLAP, RETRY, reconcile
from channels.port import Channel, LookupFailed, Record, Unreadable
from channels.sandbox.call import Pickup
from channels.sandbox.faults import FaultPlan, FaultyTwilio, Odds
from channels.sandbox.sms import Fate, ReceivedSms
from engine.contact import ChannelKind
from engine.store.tables.talk import Reconciliation

DEAF = Odds(busy=0, broken=0, lost=0, late=0, slow=0, doubled=0, disordered=0, withheld=100)
"""No webhook ever comes."""
STRANGE = {"To": ANA_PHONE, "From": "+12025550100", "Body": "who wrote this?"}
STATES = "select o.state, a.state, a.reference is not null from outbound o join attempts a on a.outbound_id = o.id"


@pytest.fixture
async def deaf(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    """Ana has been written to, and nothing that Twilio reports or brings ever comes."""
    async with running_loop(database_url, now, faults=FaultPlan(1, DEAF)) as loop:
        await loop.decide()
        yield loop


def carrier(loop: Loop) -> FaultyTwilio:
    return cast("FaultyTwilio", loop.sandbox.carriers.twilio)


async def look(loop: Loop, minutes: float) -> int:
    """So much later the records are looked through, and what they bring is handled."""
    loop.clock.advance(loop.clock() + timedelta(minutes=minutes))
    found = await reconcile(loop.sandbox.wired.app, loop.clock())
    await loop.sandbox.settle()
    return found


async def counts(loop: Loop, since: datetime) -> list[tuple[str, str, int, int]]:
    async with loop.sandbox.wired.app.database.read() as session:
        return [tuple(one) for one in await gap_counts(session, since)]


async def test_a_reply_and_a_report_that_never_came_are_mended(deaf: Loop, now: datetime) -> None:
    await deaf.says("stop")
    assert await deaf.asks(STATES) == [("accepted", "accepted", True)]
    assert await look(deaf, 10) == 2
    assert (await deaf.asks(STATES))[0] == ("delivered", "delivered", True)
    assert await deaf.asks("select count(*) from addresses where opted_out_at is not null") == [(1,)]
    assert len(deaf.heard()) == 2
    assert await counts(deaf, now) == [("sms", "reply", 1, 0), ("sms", "report", 1, 0)]


async def test_what_was_mended_is_found_once_and_a_late_webhook_changes_nothing(deaf: Loop, now: datetime) -> None:
    await deaf.says("stop")
    await look(deaf, 10)
    assert await look(deaf, 16) == 1  # of the confirmation, sent when the reply was found
    state = await deaf.asks("select id, state, tries from inbox order by id"), await deaf.asks(STATES)
    assert await look(deaf, 16) == 0
    carrier(deaf).post_late()
    await deaf.sandbox.settle()
    assert carrier(deaf).given_up == ()
    late = await deaf.asks("select id, state, tries from inbox where event not like '%sent' order by id")
    assert (late, await deaf.asks(STATES)) == state
    assert len(deaf.heard()) == 2


async def test_it_is_not_asked_again_before_its_time(deaf: Loop, now: datetime) -> None:
    assert await look(deaf, 10) == 1
    await deaf.says("stop")
    assert await look(deaf, 14) == 0
    assert await look(deaf, 1) == 1


async def test_what_has_only_just_happened_may_still_come_by_itself(deaf: Loop) -> None:
    assert await look(deaf, 4) == 0
    assert await look(deaf, 15) == 1


async def test_a_page_at_a_time_is_enough(deaf: Loop) -> None:
    carrier(deaf).most_listed = 2
    for number in range(7):
        await carrier(deaf).answer(ANA_PHONE, f"hello {number}")
    assert await look(deaf, 10) == 8
    assert await deaf.asks("select count(distinct event) from inbox where provider = 'twilio-sms'") == [(7,)]


async def test_a_message_we_know_nothing_of_waits_for_a_person(deaf: Loop, now: datetime) -> None:
    app = deaf.sandbox.wired.app
    sms = carrier(deaf)._accept({**STRANGE, "StatusCallback": ""}, carrier(deaf)._next_script(ANA_PHONE))
    await look(deaf, 10)
    await look(deaf, 20)
    async with app.database.read() as session:
        (gap,) = await open_gaps(session)
    assert (gap.kind, gap.channel, gap.subject, gap.sender) == ("stranger", "sms", sms.sid, STRANGE["From"])
    assert await deaf.asks("select source from tasks where done_at is null") == [(f"gap:sms:{sms.sid}",)]


async def test_a_try_whose_answer_was_lost_is_known_by_its_text(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, faults=FaultPlan(1, DEAF)) as loop:
        carrier(loop).fate(ANA_PHONE, Fate.LOST)
        await loop.decide()
        assert await loop.asks(STATES) == [("unknown", "unknown", False)]
        assert await look(loop, 10) == 1
        assert await loop.asks(STATES) == [("delivered", "delivered", True)]
        assert await counts(loop, now) == [("sms", "report", 1, 0)]


async def test_a_carrier_that_cannot_be_asked_is_told_of_and_asked_again(deaf: Loop, now: datetime) -> None:
    app, url = deaf.sandbox.wired.app, carrier(deaf).url
    await carrier(deaf).stop()
    assert await look(deaf, 10) == 0
    async with app.database.read() as session:
        (told,) = [one for one in await looks(session) if one.channel == "sms"]
    assert told.failure is not None
    assert told.failed_since == deaf.clock()
    await carrier(deaf).start(port=int(url.rpartition(":")[2]))
    assert await look(deaf, 2) == 0, "it is let alone for a while"
    assert await look(deaf, 1) == 1
    async with app.database.read() as session:
        (told,) = [one for one in await looks(session) if one.channel == "sms"]
    assert (told.reached_at, told.failure, told.failed_since) == (deaf.clock(), None, None)


async def test_after_days_away_everything_since_the_last_look_is_asked_for(deaf: Loop) -> None:
    await look(deaf, 10)
    await deaf.says("stop")
    assert await look(deaf, 5 * 24 * 60) == 1


async def test_news_that_comes_a_day_late_is_found_by_the_daily_look(deaf: Loop) -> None:
    await look(deaf, 10)
    async with deaf.sandbox.wired.app.database.write() as session:
        await session.execute(text("delete from inbox"))
    assert await look(deaf, 60) == 0
    assert await look(deaf, 24 * 60) == 0  # found before: a gap is told of once
    assert await deaf.asks("select count(*) from inbox where provider = 'twilio-status'") == [(1,)]


async def test_the_end_of_a_call_that_was_never_reported_is_mended(database_url: str, now: datetime) -> None:
    plan = PLAN.replace("[sms, email]", "[voice, email]")
    async with running_loop(database_url, now, plan=plan, voice=ANA_PHONE, email=ANA_MAIL) as loop:
        calls = loop.sandbox.carriers.calls
        calls.fate(ANA_PHONE, Pickup.RINGS)
        await loop.decide()
        calls.ringing[0].callback = ""
        calls.decline(ANA_PHONE)
        await loop.sandbox.settle()
        assert (await loop.asks(STATES))[0] == ("accepted", "accepted", True)
        assert await look(loop, 10) == 1
        assert await counts(loop, now) == [("voice", "report", 1, 0)]
        assert await loop.asks("select channel, state from outbound order by id") == [
            ("voice", "failed"),
            ("email", "accepted"),
        ]
        assert await look(loop, 20) == 0


def write(loop: Loop, name: str, words: str) -> None:
    """Ana writes, and the carrier gives it this name."""
    sender = carrier(loop).sent[0].sender
    carrier(loop).received.append(ReceivedSms(name, ANA_PHONE, sender, words, loop.clock()))


async def test_replies_found_late_are_handled_in_the_order_in_which_they_were_written(deaf: Loop) -> None:
    carrier(deaf).most_listed = 2
    written = []
    for name in ("SMc", "SMa", "SMd", "SMb"):
        write(deaf, name, f"this is {name}")
        written.append((name, deaf.clock()))
        deaf.clock.advance(deaf.clock() + timedelta(seconds=30 * (len(written) > 2)))
    await look(deaf, 10)
    kept = await deaf.asks("select event, received_at from inbox where provider = 'twilio-sms' order by id")
    assert kept == written


OPTED_OUT = "select opted_out_at is not null from addresses where channel = 'sms'"


async def test_a_start_found_late_gives_no_consent_but_a_stop_takes_it(deaf: Loop) -> None:
    write(deaf, "SMb", "stop")
    await look(deaf, 10)
    assert await deaf.asks(OPTED_OUT) == [(True,)]
    write(deaf, "SMa", "start")
    await look(deaf, 20)
    assert await deaf.asks(OPTED_OUT) == [(True,)]
    assert await deaf.asks("select source from tasks where done_at is null") == [("twilio-sms:SMa:late",)]
    write(deaf, "SMf", "start")
    write(deaf, "SM0", "stop")
    await look(deaf, 20)
    assert await deaf.asks(OPTED_OUT) == [(True,)]


async def test_words_that_are_no_text_hold_up_nobody(deaf: Loop) -> None:
    write(deaf, "SM\0", "who am I?")
    write(deaf, "SMa", "half a face \ud83d")
    write(deaf, "SMb", "stop")
    assert await look(deaf, 10) == 3
    assert await deaf.asks(OPTED_OUT) == [(True,)]
    assert [one.failure for one in await looked(deaf) if one.channel == "sms"] == ["1 of its records make no sense"]
    await look(deaf, 60)
    assert await look(deaf, 15) == 0


Page = Sequence[Record | Unreadable]


class Told:
    """A carrier that answers with these in turn, and then with nothing. It knows since when it was `asked`."""

    def __init__(self, kind: ChannelKind, *answers: Page | Exception) -> None:
        self.kind, self.answers, self.asked = kind, list(answers), list[datetime]()

    async def records(self, since: datetime) -> AsyncIterator[Page]:
        self.asked.append(since)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        yield answer


def told_by(loop: Loop, *carriers: Told) -> Application:
    return replace(loop.sandbox.wired.app, channels={one.kind: cast("Channel", one) for one in carriers})


async def looked(loop: Loop) -> list[Look]:
    async with loop.sandbox.wired.app.database.read() as session:
        return await looks(session)


async def standing(loop: Loop) -> Reconciliation:
    async with loop.sandbox.wired.app.database.read() as session:
        return await session.get_one(Reconciliation, ChannelKind.SMS)


async def test_a_fault_of_one_carrier_stops_no_other_and_the_first_look_does_not_slide(deaf: Loop) -> None:
    sms, voice = Told(ChannelKind.SMS, KeyError("sid"), KeyError("sid")), Told(ChannelKind.VOICE)
    app, begun = told_by(deaf, sms, voice), deaf.clock()
    for late in (timedelta(), RETRY, 2 * RETRY):
        await reconcile(app, begun + late)
    assert sms.asked == [begun - OVERLAP] * 3
    assert voice.asked == [begun - OVERLAP]
    assert (await standing(deaf)).failure is None


async def test_what_is_near_is_done_with_when_what_is_far_fails_and_its_wish_to_wait_is_heeded(deaf: Loop) -> None:
    sms = Told(ChannelKind.SMS, [], [], LookupFailed("slow down", 60.0))
    app, begun = told_by(deaf, sms), deaf.clock()
    await reconcile(app, begun)
    day = begun + timedelta(days=1)
    await reconcile(app, day)
    row = await standing(deaf)
    assert (row.reached_at, row.far_at, row.failure) == (day, begun, "slow down")
    await reconcile(app, day + timedelta(seconds=59))
    assert sms.asked[1:] == [begun - OVERLAP, begun - FAR]
    await reconcile(app, day + timedelta(seconds=60))
    assert sms.asked[3:] == [day - OVERLAP, begun - FAR]
    row = await standing(deaf)
    assert (row.far_at, row.failure, row.next_at) == (row.reached_at, None, row.reached_at + EVERY)


async def test_a_record_the_store_cannot_keep_is_passed_over_and_the_others_are_compared(deaf: Loop) -> None:
    at = deaf.clock() - timedelta(hours=1)
    bad, good = (
        Record("", b"", ours=True, reference=name, sender=sender, person=ANA_PHONE, at=at, changed=at)
        for name, sender in (("SM1", "\0"), ("SM2", "+1"))
    )
    page: Page = [bad, Unreadable("what is this?"), good]
    assert await reconcile(told_by(deaf, Told(ChannelKind.SMS, page)), deaf.clock()) == 1
    assert await deaf.asks("select subject from gaps") == [("SM2",)]
    assert (await standing(deaf)).failure == "2 of its records make no sense"
