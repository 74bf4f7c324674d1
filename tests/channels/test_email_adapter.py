from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from urllib.parse import unquote
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from channels.email import EmailChannel, EmailSettings
from channels.incoming_mail import read_mail
from channels.mail_page import ACT, DARK, INK, ON_ACT, PAPER, QUIET
from channels.port import Draft, Envelope, Inbound, NotSent, Rejected, Uncertain
from channels.sandbox.smtp import SmtpRelay
from dialogs.message import Choice, Chose, Speech

ANA = "ana@example.com"
SPEECH = Speech(
    "uk",
    ("Добрий день, пані Ганно!", "Сплатити можна тут: https://pay.example/t?a=1&b=2"),
    (Choice("pay", "Сплатити <зараз>"),),
    link="https://pay.example/t?a=1&b=2",
    link_label="Сплатити",
    subject="Повідомлення від Acme",
    preview="Про Ваш договір",
    how="Відповідайте цифрою.",
    footer="Пише Вам Acme.",
)


@pytest.fixture
async def channel(relay: SmtpRelay, now: datetime) -> EmailChannel:
    return EmailChannel(EmailSettings(relay.url, "amiable.test", "Acme, рахунки"), lambda: now)


def draft(channel: EmailChannel, speech: Speech = SPEECH, *, first: bool = True, to: str = ANA) -> Draft:
    return channel.compose(speech, Envelope(uuid4(), to, "c0ffee", first))


async def test_the_headers_say_that_a_machine_writes_and_where_answers_go(
    channel: EmailChannel, relay: SmtpRelay, now: datetime
) -> None:
    sent = draft(channel, first=False)
    receipt = await channel.send(sent)
    mail = relay.sent[0].message
    assert mail["Message-ID"] == receipt.reference == f"<{sent.attempt}@amiable.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Reply-To"] == "reply+c0ffee@amiable.test"
    assert mail["In-Reply-To"] == mail["References"] == "<c0ffee@amiable.test>"
    assert mail["Subject"] == "Повідомлення від Acme"
    assert mail["From"].addresses[0].display_name == "Acme, рахунки"
    assert mail["Date"].datetime == now
    assert relay.sent[0].sender == f"bounce+{sent.attempt}@amiable.test"
    await channel.close()


@pytest.mark.parametrize("host", ["pay.example", "a" * 60 + ".collections.telecom.example"])
async def test_where_we_are_reached_by_https_one_click_unsubscribes(relay: SmtpRelay, now: datetime, host: str) -> None:
    settings = EmailSettings(relay.url, "amiable.test", "Acme", public_url=f"https://{host}/")
    channel = EmailChannel(settings, lambda: now)
    await channel.send(draft(channel))
    on_the_wire = dict(relay.sent[0].message.raw_items())
    assert on_the_wire["List-Unsubscribe"].split() == [
        f"<https://{host}/stop/c0ffee>,",
        "<mailto:stop+c0ffee@amiable.test>",
    ]
    assert on_the_wire["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    await channel.close()


async def test_where_there_is_no_https_a_mail_unsubscribes_by_mail_alone(relay: SmtpRelay, now: datetime) -> None:
    settings = EmailSettings(relay.url, "amiable.test", "Acme", public_url="http://pay.example")
    channel = EmailChannel(settings, lambda: now)
    await channel.send(draft(channel))
    assert relay.sent[0].message["List-Unsubscribe"] == "<mailto:stop+c0ffee@amiable.test>"
    assert relay.sent[0].message["List-Unsubscribe-Post"] is None
    await channel.close()


async def test_the_first_mail_of_a_talk_answers_nothing(channel: EmailChannel, relay: SmtpRelay) -> None:
    await channel.send(draft(channel))
    assert relay.sent[0].message["In-Reply-To"] is None
    await channel.close()


async def test_text_and_html_say_the_same_and_html_has_one_button(channel: EmailChannel, relay: SmtpRelay) -> None:
    await channel.send(draft(channel))
    kept = relay.sent[0]
    assert kept.body == (
        "Добрий день, пані Ганно!\n\nСплатити можна тут: https://pay.example/t?a=1&b=2\n\n"
        "Відповідайте цифрою.\n1 Сплатити <зараз>\n\nПише Вам Acme."
    )
    assert '<html lang="uk" dir="ltr">' in kept.html
    assert kept.html.count('class="act"') == 1
    shown = [text.strip() for text in page(kept.html).itertext() if text.strip()]
    assert shown == [
        "Повідомлення від Acme",
        *("Про Ваш договір", "Добрий день, пані Ганно!", "Сплатити можна тут:", SPEECH.link, "Сплатити"),
        *("Відповідайте цифрою.", "Сплатити <зараз>", "Пише Вам Acme."),
    ]
    assert kept.raw.isascii()
    await channel.close()


def page(html: str) -> ElementTree.Element:
    """The page as a program reads it: the spaces after the preview are nothing, its style is no text."""
    spare = re.sub("<style>.*</style>|&#847;|&zwnj;|&nbsp;|<!doctype html>", "", html)
    return ElementTree.fromstring(re.sub("(<meta[^>]*|<br)>", r"\1/>", spare))  # noqa: S314 our own


async def test_every_layout_table_is_hidden_from_screen_readers_and_every_text_is_large(channel: EmailChannel) -> None:
    html = draft(channel).html
    assert {table.get("role") for table in page(html).iter("table")} == {"presentation"}
    assert set(re.findall(r"font:(\d+)px", html)) == {"16"}
    assert 'content="width=device-width, initial-scale=1"' in html
    assert "max-width:560px" in html
    assert not re.search(r"[ ;\"]width:\d", html)


def test_text_stands_out_from_its_ground_in_the_light_and_in_the_dark() -> None:
    light = [(INK, PAPER), (QUIET, PAPER), (ACT, PAPER), (ON_ACT, ACT)]
    paper, ink, quiet, _line, link, act, on_act = re.findall("#[0-9a-f]{6}", DARK)
    dark = [(ink, paper), (quiet, paper), (link, paper), (on_act, act)]
    assert [pair for pair in (*light, *dark) if contrast(*pair) < 4.5] == []


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (WCAG 2.1)."""
    dark, light = sorted(map(luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_a_link_for_an_option_opens_a_mail_that_answers_as_it_is(channel: EmailChannel) -> None:
    (link,) = [
        one.get("href") or "" for one in page(draft(channel).html).iter("a") if "mailto" in (one.get("href") or "")
    ]
    assert link.startswith("mailto:reply+c0ffee.pay@amiable.test?subject=%D0%A1")
    opened = EmailMessage()
    address, _, words = link.removeprefix("mailto:").partition("?subject=")
    opened["From"], opened["To"], opened["Subject"] = ANA, address, unquote(words)
    opened.set_content("\n")
    answer = read_mail(opened.as_bytes())
    assert isinstance(answer, Inbound)
    assert (answer.reply, answer.thread, answer.sender, answer.automatic) == (Chose("pay"), "c0ffee", ANA, False)


async def test_an_option_too_long_for_an_address_and_the_pay_link_open_no_mail(channel: EmailChannel) -> None:
    for choice in (Choice("x" * 60, "A long way"), Choice("pay", SPEECH.link_label)):
        assert "mailto:" not in draft(channel, replace(SPEECH, choices=(choice,))).html


async def test_the_sum_is_set_off_once(channel: EmailChannel) -> None:
    html = draft(channel, Speech("en", ("You owe 5 < 6.", "5 < 6 it is."), sum="5 < 6")).html
    assert html.count("<strong>5 &lt; 6</strong>") == html.count("<strong>") == 1


async def test_a_link_said_twice_has_one_button_below_the_first(channel: EmailChannel) -> None:
    html = draft(channel, replace(SPEECH, paragraphs=(f"Here: {SPEECH.link}", f"Again: {SPEECH.link}"))).html
    assert html.count('class="act"') == 1
    assert html.index("Here:") < html.index('class="act"') < html.index("Again:")


async def test_there_is_no_button_without_a_web_address(channel: EmailChannel) -> None:
    for link in ("", "javascript:alert(1)"):
        assert "<a " not in draft(channel, replace(SPEECH, link=link, choices=())).html


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: all@example.com", "Hello\nX: y"])
async def test_a_subject_cannot_break_out_of_its_line(channel: EmailChannel, relay: SmtpRelay, subject: str) -> None:
    with pytest.raises(Rejected) as refused:
        await channel.send(draft(channel, replace(SPEECH, subject=subject)))
    assert refused.value.code == "bad_header"
    assert not refused.value.address_dead
    assert relay.sent == []


async def test_a_name_cannot_break_out_of_its_line(relay: SmtpRelay, now: datetime) -> None:
    channel = EmailChannel(EmailSettings(relay.url, "amiable.test", "Acme\r\nBcc: all@example.com"), lambda: now)
    with pytest.raises(Rejected):
        await channel.send(draft(channel))
    assert relay.sent == []


async def test_a_line_of_one_dot_ends_nothing(channel: EmailChannel, relay: SmtpRelay) -> None:
    await channel.send(draft(channel, Speech("en", ("above\n.\n..below",))))
    assert relay.sent[0].body == "above\n.\n..below"
    await channel.close()


@pytest.mark.parametrize(
    ("fate", "status", "dead"),
    [("refused", "5.1.1", True), ("refused", "5.7.1", False), ("refused", "5.2.2", False), ("broken", "", False)],
)
async def test_only_a_wrong_address_is_dead(
    channel: EmailChannel, relay: SmtpRelay, fate: str, status: str, dead: bool
) -> None:
    relay.fate(ANA, fate, status)
    with pytest.raises(Rejected) as refused:
        await channel.send(draft(channel))
    assert refused.value.address_dead is dead
    await channel.send(draft(channel))
    assert len(relay.sent) == 1
    await channel.close()


async def test_a_relay_that_is_not_there_has_not_taken_it(now: datetime) -> None:
    channel = EmailChannel(EmailSettings("smtp://127.0.0.1:9", "amiable.test", "Acme"), lambda: now)
    with pytest.raises(NotSent):
        await channel.send(draft(channel))


async def test_a_kept_connection_that_died_is_replaced(channel: EmailChannel, relay: SmtpRelay) -> None:
    await channel.send(draft(channel))
    port = int(relay.url.rpartition(":")[2])
    await relay.stop()
    with pytest.raises(NotSent):
        await channel.send(draft(channel))
    await relay.start(port=port)
    await channel.send(draft(channel))
    assert len(relay.sent) == 2
    await channel.close()


async def test_many_at_once_share_few_connections(channel: EmailChannel, relay: SmtpRelay) -> None:
    await asyncio.gather(*(channel.send(draft(channel, to=f"c{number}@example.com")) for number in range(40)))
    assert {mail.to for mail in relay.sent} == {f"c{number}@example.com" for number in range(40)}
    await channel.close()


async def silent_relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and never says that it did."""
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        if line == b".\r\n":
            continue
        answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
        writer.write(answers.get(line[:4], b""))
    writer.close()


async def test_silence_after_the_last_dot_is_uncertain(now: datetime) -> None:
    async with await asyncio.start_server(silent_relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        channel = EmailChannel(EmailSettings(f"smtp://127.0.0.1:{port}", "amiable.test", "Acme", 0.2), lambda: now)
        with pytest.raises(Uncertain):
            await channel.send(draft(channel))
        await channel.close()


async def test_what_is_given_up_before_it_was_begun_was_certainly_not_sent(now: datetime) -> None:
    offered = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offered.set()
        await silent_relay(reader, writer)

    async with await asyncio.start_server(slow, "127.0.0.1", 0) as server:
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        channel = EmailChannel(EmailSettings(url, "amiable.test", "Acme", connections=1), lambda: now)
        first = asyncio.create_task(channel.send(draft(channel)))
        await offered.wait()
        with pytest.raises(NotSent):
            async with asyncio.timeout(0.3):
                await channel.send(draft(channel))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_what_is_given_up_while_the_relay_says_nothing_was_not_sent_either(now: datetime) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        channel = EmailChannel(EmailSettings(url, "amiable.test", "Acme"), lambda: now)
        with pytest.raises(NotSent):
            async with asyncio.timeout(0.3):
                await channel.send(draft(channel))


async def test_a_relay_that_says_goodbye_to_a_kept_connection_is_called_again(now: datetime) -> None:
    greeted, taken = [], []

    async def forgetful(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(writer)
        writer.write(b"220 hello\r\n")
        answers = {b"DATA": b"354 go\r\n", b".\r\n": b"250 taken\r\n"}
        while line := await reader.readline():
            if line.startswith(b"MAIL") and len(greeted) == len(taken):
                writer.write(b"421 4.4.2 closing\r\n")
                break
            if line[:4] in answers or line[:4] in (b"EHLO", b"MAIL", b"RCPT", b"QUIT"):
                writer.write(answers.get(line[:4], b"250 ok\r\n"))
            if line == b".\r\n":
                taken.append(line)
        writer.close()

    async with await asyncio.start_server(forgetful, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        channel = EmailChannel(EmailSettings(f"smtp://127.0.0.1:{port}", "amiable.test", "Acme", 2), lambda: now)
        for _ in range(2):
            await channel.send(draft(channel))
        await channel.close()
    assert len(taken) == len(greeted) == 2
