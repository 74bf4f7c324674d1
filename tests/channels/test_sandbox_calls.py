"""The sandbox of calls: what it took outlives it, and who asks is checked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from telephone import VoiceLine

from channels.port import Envelope
from channels.sandbox.call import HangsUp, Line, Speaker
from channels.sandbox.calls import FAULT, CallsCarrier, NoCall
from channels.voice import VoiceChannel, VoiceSettings
from dialogs.message import Keys, Speech

ANA = "+40712345678"
HELLO = Speech("en", ("Hello, Ana.",))


async def ring(line: VoiceLine) -> None:
    await line.channel.send(line.channel.compose(HELLO, Envelope(uuid4(), ANA, "t")))


async def test_a_call_waits_until_its_callee_does_something(calls: CallsCarrier, application: Any) -> None:
    line = VoiceLine(calls, application)
    await ring(line)
    (call,) = calls.waiting
    assert calls.quiet()
    await calls.press(ANA, "1")
    await calls.hang_up(ANA)
    assert call.over
    assert call.transcript == [
        Line(Speaker.US, "Hello, Ana."),
        Line(Speaker.CALLEE, "#1"),
        Line(Speaker.US, "And?"),
    ]
    with pytest.raises(NoCall):
        await calls.press(ANA, "1")
    await line.channel.close()


async def test_a_callee_may_hang_up_before_answering(calls: CallsCarrier, application: Any) -> None:
    line = VoiceLine(calls, application)
    calls.will(ANA, Keys("1"), HangsUp())
    await ring(line)
    assert calls.calls[0].status == "completed"
    assert [hook.path.rpartition("/")[2] for hook in application.webhooks if "/turn/" in hook.path] == ["0"]
    await line.channel.close()


async def test_a_telephone_may_ring_until_somebody_picks_up(calls: CallsCarrier, application: Any) -> None:
    line = VoiceLine(calls, application)
    calls.fate(ANA, "rings", times=3)
    await ring(line)
    assert [call.status for call in calls.calls] == ["ringing"]
    assert (await calls.pick_up(ANA)).heard == "Hello, Ana."
    await ring(line)
    assert calls.decline(ANA).status == "busy"
    await ring(line)
    assert await calls.let_go() == 2
    assert [call.status for call in calls.calls] == ["completed", "busy", "no-answer"]
    with pytest.raises(NoCall):
        calls.decline(ANA)
    await line.channel.close()


async def test_an_application_that_is_down_is_heard_as_a_fault(calls: CallsCarrier, application: Any) -> None:
    line = VoiceLine(calls, application)
    application.refusing = 1
    await ring(line)
    assert calls.calls[0].heard == FAULT
    assert calls.calls[0].over
    await line.channel.close()


async def test_a_call_can_be_ended_by_the_account_and_by_nobody_else(calls: CallsCarrier, application: Any) -> None:
    line = VoiceLine(calls, application)
    await ring(line)
    (call,) = calls.waiting
    url = f"{calls.url}/2010-04-01/Accounts/AC1/Calls/{call.sid}.json"
    async with httpx.AsyncClient() as caller:
        assert (await caller.post(url, data={"Status": "completed"})).status_code == 401
        assert not call.over
        done = await caller.post(url, data={"Status": "completed"}, auth=("AC1", "sesame"))
        assert done.json()["status"] == "completed"
        lost = await caller.post(url.replace(call.sid, "CA0"), auth=("AC1", "sesame"))
        assert lost.status_code == 404
    await line.channel.close()


async def test_a_carrier_killed_in_a_call_ends_it_and_still_says_so(
    application: Any, now: datetime, tmp_path: Path
) -> None:
    def make() -> CallsCarrier:
        return CallsCarrier(
            account_sid="AC1",
            auth_token="sesame",
            number="+40312345678",
            now=lambda: now,
            public_url=application.url,
            journal=tmp_path / "calls.jsonl",
        )

    first = make()
    await first.start()
    line = VoiceLine(first, application)
    await ring(line)
    await first.stop()
    await line.channel.close()
    second = make()
    await second.start()
    await second.settle()
    (call,) = second.calls
    assert (call.person, call.heard, call.status) == (ANA, "Hello, Ana.", "failed")
    assert application.webhooks[-1].path.endswith("/status")
    await second.stop()


async def test_a_call_names_its_attempt_and_wants_to_know_who_answers(calls: CallsCarrier, application: Any) -> None:
    channel = VoiceChannel(VoiceSettings("AC1", "sesame", "+40312345678", application.url + "/", api_url=calls.url))
    draft = channel.compose(HELLO, Envelope(uuid4(), ANA, "t"))
    await channel.send(draft)
    await calls.settle()
    paths = {hook.path for hook in application.webhooks}
    base = f"/webhooks/twilio/voice/{draft.attempt}"
    assert paths == {f"{base}/answer", f"{base}/status"}
    assert any(b"AnsweredBy=human" in hook.body for hook in application.webhooks)
    await channel.close()
