"""What every adapter promises, whatever its carrier: one suite over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from telephone import VoiceLine

from channels.email import EmailChannel, EmailSettings
from channels.incoming_mail import read_mail
from channels.incoming_telegram import read_update
from channels.port import (
    CLOCKS_APART,
    CannotTell,
    Channel,
    Draft,
    Envelope,
    Inbound,
    NotSent,
    Receipt,
    Rejected,
    StatusReport,
    Uncertain,
)
from channels.sandbox.calls import CallsCarrier
from channels.sandbox.smtp import SmtpRelay
from channels.sandbox.telegram import TelegramCarrier
from channels.sandbox.twilio import TwilioCarrier
from channels.signatures import TwilioVerifier
from channels.sms import SmsChannel, SmsSettings, read_sms, read_status
from channels.telegram import TelegramChannel, TelegramSettings
from dialogs.message import Choice, Said, Speech
from engine.contact import Delivery

SPEECH = Speech(
    "en",
    ("Good morning, Ana <b>&</b> Co.", "You can pay here: https://pay.example/x?a=1&b=2"),
    (Choice("pay", "Pay now"), Choice("promise", "Promise a <day>")),
    link="https://pay.example/x?a=1&b=2",
    link_label="Pay now",
    subject="A message from Acme",
)


class Line(Protocol):
    """One adapter at its carrier, and a subscriber at the other end."""

    channel: Channel
    address: str

    def kept(self) -> list[str]: ...
    def script(self, event: str) -> None: ...
    async def answer(self, text: str) -> list[Inbound]: ...
    async def news(self) -> list[StatusReport]: ...


class SmsLine:
    """SMS, by the sandbox of Twilio's Messages API."""

    address = "+40712345678"
    FATES: ClassVar = {
        "lost": ("lost", ""),
        "refused": ("refused", "21614"),
        "busy": ("busy", ""),
        "dead": ("undelivered", "30005"),
    }

    def __init__(self, carrier: TwilioCarrier, application: Any) -> None:
        self.carrier, self.application = carrier, application
        settings = SmsSettings("AC1", "sesame", "+40312345678", application.url, api_url=carrier.url)
        self.channel = SmsChannel(settings)

    def kept(self) -> list[str]:
        return [sms.body for sms in self.carrier.sent if sms.to == self.address]

    def script(self, event: str) -> None:
        self.carrier.fate(self.address, *self.FATES[event])

    async def answer(self, text: str) -> list[Inbound]:
        await self.carrier.answer(self.address, text)
        await self.carrier.settle()
        return [read_sms(form) for path, form in self.posts() if path.endswith("/sms")]

    async def news(self) -> list[StatusReport]:
        await self.carrier.settle()
        return [read_status(form, UUID(path.rpartition("/")[2])) for path, form in self.posts() if "/status/" in path]

    def posts(self) -> list[tuple[str, dict[str, str]]]:
        verifier = TwilioVerifier(self.application.url, ["sesame"])
        for hook in self.application.webhooks:
            kind, signature = hook.headers["Content-Type"], hook.headers["X-Twilio-Signature"]
            assert verifier.verify(hook.path.encode(), hook.query.encode(), hook.body, kind, signature)
            assert not verifier.verify(hook.path.encode(), b"forged=1", hook.body, kind, signature)
        return [(hook.path, dict(parse_qsl(hook.body.decode(), True))) for hook in self.application.webhooks]


class EmailLine:
    """Mail, by the sandbox relay."""

    address = "ana@example.com"
    FATES: ClassVar = {"lost": "lost", "refused": "refused", "busy": "greylisted", "dead": "bounced"}

    def __init__(self, relay: SmtpRelay, application: Any, now: datetime) -> None:
        self.relay, self.application = relay, application
        self.channel = EmailChannel(EmailSettings(relay.url, "amiable.test", "Acme", timeout=5), lambda: now)

    def kept(self) -> list[str]:
        return [mail.body for mail in self.relay.sent if mail.to == self.address]

    def script(self, event: str) -> None:
        self.relay.fate(self.address, self.FATES[event])

    async def answer(self, text: str) -> list[Inbound]:
        await self.relay.answer(self.address, text)
        await self.relay.settle()
        return [mail for raw in self.application.mails if isinstance(mail := read_mail(raw), Inbound)]

    async def news(self) -> list[StatusReport]:
        await self.relay.settle()
        return [mail for raw in self.application.mails if isinstance(mail := read_mail(raw), StatusReport)]


class TelegramLine:
    """Telegram, by the sandbox of its Bot API. A message is what is read: its text, and the labels of its buttons."""

    address = "555001"
    FATES: ClassVar = {"lost": "lost", "refused": "not_found", "busy": "busy"}

    def __init__(self, carrier: TelegramCarrier) -> None:
        self.carrier = carrier
        self.channel = TelegramChannel(TelegramSettings("123:sesame", carrier.url, timeout=5))

    def kept(self) -> list[str]:
        read = []
        for sent in self.carrier.sent:
            options = [button.label for row in sent.buttons for button in row if button.label[0].isdigit()]
            read.append("\n\n".join([sent.text, *(["\n".join(options)] if options else [])]))
        return read

    def script(self, event: str) -> None:
        self.carrier.fate(self.address, self.FATES[event])

    async def answer(self, text: str) -> list[Inbound]:
        await self.carrier.answer(self.address, text)
        updates = [read_update(update.raw) for update in await self.channel.updates(0, 0)]
        return [update for update in updates if isinstance(update, Inbound)]

    async def news(self) -> list[StatusReport]:
        return []


REPORTING = ("sms", "email", "voice")
"""Channels whose carrier tells how a message fared after it took it."""


@pytest.fixture(params=[*REPORTING, "telegram"])
async def line(
    request: pytest.FixtureRequest,
    application: Any,
    twilio: TwilioCarrier,
    relay: SmtpRelay,
    telegram: TelegramCarrier,
    calls: CallsCarrier,
    now: datetime,
) -> AsyncIterator[Line]:
    lines: dict[str, Line] = {
        "sms": SmsLine(twilio, application),
        "email": EmailLine(relay, application, now),
        "telegram": TelegramLine(telegram),
        "voice": VoiceLine(calls, application),
    }
    yield lines[request.param]
    for made in lines.values():
        await made.channel.close()


on_reporting_lines = pytest.mark.parametrize("line", REPORTING, indirect=True)


def draft(line: Line, speech: Speech = SPEECH, to: str = "") -> Draft:
    return line.channel.compose(speech, Envelope(uuid4(), to or line.address, "c0ffee"))


async def test_a_message_is_kept_by_the_carrier_exactly_once(line: Line) -> None:
    sent = draft(line)
    receipt = await line.channel.send(sent)
    assert receipt.reference
    assert line.kept() == [sent.body]


async def test_composing_twice_gives_the_same_draft(line: Line) -> None:
    envelope = Envelope(uuid4(), line.address, "c0ffee", first=False)
    assert line.channel.compose(SPEECH, envelope) == line.channel.compose(SPEECH, envelope)


async def test_options_can_be_answered_with_a_number_or_in_words(line: Line) -> None:
    assert "1 Pay now\n2 Promise a <day>" in draft(line).body


async def test_text_is_not_markup(line: Line) -> None:
    laid_out = draft(line)
    assert "<b>&</b>" in laid_out.body
    assert "<b>" not in laid_out.html
    assert "<day>" not in laid_out.html


async def test_a_refusal_for_good_is_rejected_and_marks_the_address(line: Line) -> None:
    line.script("refused")
    with pytest.raises(Rejected) as refused:
        await line.channel.send(draft(line))
    assert refused.value.address_dead
    assert refused.value.code
    assert line.kept() == []


async def test_a_busy_carrier_has_not_taken_it(line: Line) -> None:
    line.script("busy")
    with pytest.raises(NotSent) as put_off:
        await line.channel.send(draft(line))
    assert put_off.value.retry_after > 0
    assert line.kept() == []
    await line.channel.send(draft(line))
    assert len(line.kept()) == 1


async def test_a_lost_answer_is_uncertain_and_nothing_is_sent_again(line: Line) -> None:
    line.script("lost")
    with pytest.raises(Uncertain):
        await line.channel.send(draft(line))
    assert len(line.kept()) == 1


async def test_a_message_after_a_lost_answer_goes_out(line: Line) -> None:
    line.script("lost")
    with pytest.raises(Uncertain):
        await line.channel.send(draft(line))
    await line.channel.send(draft(line))
    assert len(line.kept()) == 2


async def test_a_lost_answer_on_a_kept_connection_is_not_repeated_either(line: Line) -> None:
    await line.channel.send(draft(line))
    line.script("lost")
    with pytest.raises(Uncertain):
        await line.channel.send(draft(line))
    assert len(line.kept()) == 2


async def test_a_look_up_finds_what_was_taken_or_says_it_cannot(line: Line, now: datetime) -> None:
    line.script("lost")
    sent = draft(line)
    with pytest.raises(Uncertain):
        await line.channel.send(sent)
    found = await line.channel.find(sent.sought, now)
    assert isinstance(found, Receipt | CannotTell)
    if isinstance(found, Receipt):
        assert await line.channel.find(sent.sought, now + CLOCKS_APART + timedelta(seconds=1)) is None
        assert await line.channel.find(sent.sought, now + timedelta(hours=1)) == found, "our clock may be an hour ahead"
        ours = replace(sent.sought, known=frozenset({found.reference}))
        assert await line.channel.find(ours, now) is None, "that one is known to be another"
        assert await line.channel.find(draft(line, to="+40712345670").sought, now) is None
        if not isinstance(line, VoiceLine):  # a call is known by its number and time alone
            assert await line.channel.find(draft(line, Speech("en", ("Another",))).sought, now) is None


async def test_a_long_text_arrives_whole(line: Line) -> None:
    text = "Слово і ще одне. " * 80
    await line.channel.send(draft(line, Speech("uk", (text.strip(),))))
    assert "".join(line.kept()[0].split()) == "".join(text.split())


@pytest.mark.parametrize("to", ["ana@example.com\r\nBcc: all@example.com", "+40712345678\r\nX: y", "", "nobody"])
async def test_an_address_cannot_break_out_of_its_line(line: Line, to: str) -> None:
    with pytest.raises(Rejected):
        await line.channel.send(line.channel.compose(SPEECH, Envelope(uuid4(), to, "c0ffee")))


async def test_an_answer_comes_back_as_it_was_written(line: Line) -> None:
    await line.channel.send(draft(line))
    (answer,) = await line.answer("Plătesc vineri, 15 mai")
    assert answer.reply == Said("Plătesc vineri, 15 mai")
    assert answer.sender == line.address
    assert not answer.automatic
    assert answer.event


async def test_two_equal_answers_are_two_events(line: Line) -> None:
    await line.channel.send(draft(line))
    await line.answer("1")
    answers = await line.answer("1")
    assert len({answer.event for answer in answers}) == len(answers) == 2


@on_reporting_lines
async def test_news_of_a_dead_address_names_the_attempt(line: Line) -> None:
    line.script("dead")
    sent = draft(line)
    receipt = await line.channel.send(sent)
    last = (await line.news())[-1]
    assert (last.state, last.attempt, last.reference) == (Delivery.FAILED, sent.attempt, receipt.reference)
    assert last.address_dead


@on_reporting_lines
async def test_the_same_news_again_is_the_same_event(line: Line) -> None:
    line.script("dead")
    await line.channel.send(draft(line))
    first, again = await line.news(), await line.news()
    assert [report.event for report in first] == [report.event for report in again]
    assert len({report.event for report in first}) == len(first)


@on_reporting_lines
async def test_news_in_any_order_ends_in_the_same_state(line: Line) -> None:
    line.script("dead")
    await line.channel.send(draft(line))
    states = [Delivery.ACCEPTED, *(report.state for report in await line.news())]
    ends = {max(order, key=lambda state: state.rank) for order in permutations(states)}
    assert ends == {Delivery.FAILED}
