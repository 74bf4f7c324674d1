"""The carriers themselves: what they took is not lost by a kill, and what they owe is tried until acknowledged."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from channels.email import EmailChannel, EmailSettings
from channels.incoming_mail import read_mail
from channels.mailbox import Mailbox
from channels.port import Envelope, Inbound, Rejected
from channels.sandbox.journal import Journal
from channels.sandbox.smtp import NothingToAnswer, SmtpRelay
from channels.sandbox.twilio import TwilioCarrier
from channels.sms import SmsChannel, SmsSettings
from dialogs.message import Said, Speech

ANA = "+40712345678"


def channel(carrier: TwilioCarrier) -> SmsChannel:
    return SmsChannel(SmsSettings("AC1", "sesame", "+40312345678", carrier.public_url, api_url=carrier.url))


async def send(sms: SmsChannel, text: str = "hello", to: str = ANA) -> None:
    await sms.send(sms.compose(Speech("en", (text,)), Envelope(uuid4(), to, "t")))


def forms(application: Any) -> list[dict[str, str]]:
    return [dict(parse_qsl(hook.body.decode())) for hook in application.webhooks]


async def test_statuses_come_in_order_and_then_it_is_quiet(twilio: TwilioCarrier, application: Any) -> None:
    sms = channel(twilio)
    await send(sms)
    await twilio.settle()
    assert twilio.quiet()
    assert [form["MessageStatus"] for form in forms(application)] == ["sent", "delivered"]
    await sms.close()


async def test_an_answer_is_posted_until_it_is_acknowledged(twilio: TwilioCarrier, application: Any) -> None:
    application.refusing = 3
    sid = await twilio.answer(ANA, "да, завтра +1 & ещё")
    await twilio.settle()
    assert [(form["MessageSid"], form["Body"]) for form in forms(application)] == [(sid, "да, завтра +1 & ещё")]
    assert twilio.given_up == ()


async def test_what_is_never_acknowledged_is_given_up_and_said(
    twilio: TwilioCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.sandbox.outbox.FIRST_PAUSE", 0.001)
    twilio.public_url = "http://127.0.0.1:9"
    sid = await twilio.answer(ANA, "1")
    await twilio.settle()
    assert [parcel.id for parcel in twilio.given_up] == [sid]


async def test_stop_blocks_the_subscriber_where_the_account_handles_it(application: Any, now: datetime) -> None:
    carrier = TwilioCarrier(
        account_sid="AC1",
        auth_token="sesame",
        number="+40312345678",
        now=lambda: now,
        public_url=application.url,
        handles_stop=True,
    )
    await carrier.start()
    sms = channel(carrier)
    await carrier.answer(ANA, " Stop ")
    await carrier.settle()
    with pytest.raises(Rejected) as refused:
        await send(sms)
    assert refused.value.opted_out
    await carrier.answer(ANA, "START")
    await send(sms)
    await carrier.settle()
    assert [form["OptOutType"] for form in forms(application) if "OptOutType" in form] == ["STOP", "START"]
    await sms.close()
    await carrier.stop()


async def restarted(make: Callable[[], Any], use: Callable[[Any], Awaitable[None]]) -> Any:
    """A carrier that was used, stopped with all it owed, and started again on the same journal."""
    first = make()
    await first.start()
    await use(first)
    await first.stop()
    second = make()
    await second.start()
    return second


async def test_twilio_takes_up_what_it_owed(application: Any, now: datetime, tmp_path: Path) -> None:
    def make() -> TwilioCarrier:
        return TwilioCarrier(
            account_sid="AC1",
            auth_token="sesame",
            number="+40312345678",
            now=lambda: now,
            public_url=application.url,
            journal=tmp_path / "sms.jsonl",
        )

    async def use(carrier: TwilioCarrier) -> None:
        application.refusing = 10**6
        sms = channel(carrier)
        await send(sms)
        await carrier.answer(ANA, "1")
        await sms.close()

    carrier = await restarted(make, use)
    assert not carrier.quiet()
    application.refusing = 0
    await carrier.settle()
    assert [(sms.to, sms.body, sms.at) for sms in carrier.sent] == [(ANA, "hello", now)]
    assert {form["SmsStatus"] for form in forms(application)} == {"sent", "delivered", "received"}
    assert len(application.webhooks) == 3
    await carrier.stop()
    again = make()
    await again.start()
    assert again.quiet()
    await again.stop()


async def test_the_relay_takes_up_what_it_owed(
    application: Any, mailbox: Mailbox, now: datetime, tmp_path: Path
) -> None:
    def make() -> SmtpRelay:
        return SmtpRelay(now=lambda: now, deliver_to=mailbox.address, journal=tmp_path / "mail.jsonl")

    async def use(relay: SmtpRelay) -> None:
        application.refusing = 10**6
        mail = EmailChannel(EmailSettings(relay.url, "amiable.test", "Acme"), lambda: now)
        await mail.send(mail.compose(Speech("ro", ("Bună",)), Envelope(uuid4(), "ana@example.com", "c0ffee")))
        await relay.answer("ana@example.com", "mâine")
        await mail.close()

    relay = await restarted(make, use)
    application.refusing = 0
    await relay.settle()
    answer = read_mail(application.mails[0])
    assert isinstance(answer, Inbound)
    assert (answer.reply, answer.thread) == (Said("mâine"), "c0ffee")
    assert [mail.body for mail in relay.sent] == ["Bună"]
    assert b"a scris:" in application.mails[0]
    await relay.stop()


async def test_an_absence_note_is_automatic_and_a_delay_is_no_news(
    relay: SmtpRelay, application: Any, now: datetime
) -> None:
    mail = EmailChannel(EmailSettings(relay.url, "amiable.test", "Acme"), lambda: now)
    for fate in ("away", "delayed"):
        relay.fate("ana@example.com", fate)
        await mail.send(mail.compose(Speech("en", ("Hi",)), Envelope(uuid4(), "ana@example.com", "c0ffee")))
    await relay.settle()
    read = [read_mail(raw) for raw in application.mails]
    assert [item.automatic if isinstance(item, Inbound) else item for item in read] == [True, None]
    await mail.close()


async def test_one_can_write_first_but_not_answer_nothing(relay: SmtpRelay, application: Any) -> None:
    with pytest.raises(NothingToAnswer):
        await relay.answer("ana@example.com", "hello")
    await relay.answer("ana@example.com", "hello", to="billing@amiable.test")
    await relay.settle()
    assert len(application.mails) == 1


def test_a_journal_drops_a_torn_line_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    journal = Journal(path)
    assert journal.open() == []
    journal.write({"event": "a"}, {"event": "b", "text": "ș\n"})
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"event": "to')
    journal = Journal(path)
    assert journal.open() == [{"event": "a"}, {"event": "b", "text": "ș\n"}]
    journal.write({"event": "c"})
    journal.close()
    assert [entry["event"] for entry in Journal(path).open()] == ["a", "b", "c"]


KILLED = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from channels.sandbox.twilio import TwilioCarrier

async def main():
    carrier = TwilioCarrier(account_sid="AC1", auth_token="sesame", number="+40312345678",
                            now=lambda: datetime(2026, 3, 11, 8, tzinfo=UTC), journal=Path(sys.argv[1]),
                            public_url="http://127.0.0.1:9")
    await carrier.start()
    print(carrier.url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_taken(application: Any, now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "sms.jsonl"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(path), stdout=PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    sms = SmsChannel(SmsSettings("AC1", "sesame", "+40312345678", "http://127.0.0.1:9", api_url=url))
    for number in range(20):
        await send(sms, f"message {number}")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await sms.close()
    carrier = TwilioCarrier(
        account_sid="AC1", auth_token="sesame", number="+40312345678", now=lambda: now, journal=path
    )
    carrier.public_url = application.url
    await carrier.start()
    await carrier.settle()
    assert [sms.body for sms in carrier.sent] == [f"message {number}" for number in range(20)]
    assert len(application.webhooks) == 40
    await carrier.stop()


async def test_five_hundred_subscribers_take_seconds(twilio: TwilioCarrier, application: Any) -> None:
    sms, started = channel(twilio), process_time()
    for _ in range(2):
        await asyncio.gather(*(send(sms, to=f"+40712{number:06}") for number in range(500)))
        await twilio.settle()
    for number in range(500):
        await twilio.answer(f"+40712{number:06}", "1")
    await twilio.settle()
    assert len(application.webhooks) == 2500
    assert process_time() - started < 15
    await sms.close()
