from __future__ import annotations

import time
from contextlib import suppress
from email.message import EmailMessage
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.incoming_mail import MailRefused, read_mail
from channels.port import Inbound, StatusReport
from dialogs.message import Chose, Reply, Said
from engine.contact import Delivery

ATTEMPT = UUID("8251e794-aa90-4704-813d-f579c049b57a")


def mail(text: str = "1", **headers: str) -> bytes:
    message = EmailMessage()
    given_headers = {"From": "Ana Pop <Ana@Example.com>", "To": "reply+c0ffee@amiable.test", "Message-ID": "<m1@x>"}
    for name, value in (given_headers | {key.replace("_", "-"): value for key, value in headers.items()}).items():
        if value:
            message[name] = value
    message.set_content(text)
    return message.as_bytes()


def reply(raw: bytes) -> Inbound:
    read = read_mail(raw)
    assert isinstance(read, Inbound)
    return read


def test_an_answer_has_its_sender_thread_and_words() -> None:
    answer = reply(
        mail("Плачу в пятницу\n\n> Добрый день", References=f"<c0ffee@amiable.test> <{ATTEMPT}@amiable.test>")
    )
    assert (answer.event, answer.sender, answer.thread) == ("<m1@x>", "ana@example.com", "c0ffee")
    assert answer.reply == Said("Плачу в пятницу")
    assert answer.attempt == ATTEMPT
    assert not answer.automatic


def test_the_thread_is_found_by_references_when_the_address_was_changed() -> None:
    references = f"<c0ffee@amiable.test> <{ATTEMPT}@amiable.test>"
    assert reply(mail(To="billing@amiable.test", References=references)).thread == "c0ffee"
    only_attempt = reply(mail(To="billing@amiable.test", In_Reply_To=f"<{ATTEMPT}@amiable.test>"))
    assert (only_attempt.thread, only_attempt.attempt) == ("", ATTEMPT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Chose("pay_now")),
        ("\n\nSent from my iPhone", Chose("pay_now")),
        ("-- \nAna Pop", Chose("pay_now")),
        ("Pe 15, vă rog.", Said("Pe 15, vă rog.")),
    ],
)
def test_an_option_in_the_address_counts_unless_there_are_words(text: str, expected: Reply) -> None:
    answer = reply(mail(text, To="reply+c0ffee.PAY_now@amiable.test", Subject="Pay now"))
    assert (answer.reply, answer.thread) == (expected, "c0ffee")


def test_the_envelope_s_recipient_counts_before_the_written_one() -> None:
    assert reply(b"X-Original-To: reply+abc@amiable.test\r\n" + mail()).thread == "abc"


def test_a_mail_without_an_id_is_known_by_its_bytes() -> None:
    raw = mail(Message_ID="")
    assert reply(raw).event == f"sha256:{sha256(raw).hexdigest()}"
    assert reply(raw).event == reply(raw).event != reply(raw + b"\n").event


def test_an_empty_mail_is_its_subject() -> None:
    assert reply(mail("\n", Subject="STOP")).reply == Said("STOP")
    assert reply(mail("\n", Subject="Re: A message")).reply == Said("")


def test_html_alone_is_read_as_text() -> None:
    message = EmailMessage()
    message["From"] = "ana@example.com"
    message.set_content(
        "<html><head><style>p{}</style></head><body><p>Plătesc <b>mâine</b></p><div>Ana &amp; Ion</div>"
        "<blockquote>Bună</blockquote></body></html>",
        subtype="html",
    )
    assert reply(message.as_bytes()).reply == Said("Plătesc mâine\nAna & Ion")


@pytest.mark.parametrize("charset", ["koi8-r", "windows-1251", "iso-8859-5", "utf-8"])
def test_old_charsets_are_read(charset: str) -> None:
    raw = f"From: a@x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert reply(raw + "Заплачу завтра".encode(charset)).reply == Said("Заплачу завтра")


@pytest.mark.parametrize("charset", ["rot13", "zip", "idna", "no-such-charset", "utf-7", "cp9999"])
def test_what_is_no_charset_is_read_as_utf_8(charset: str) -> None:
    raw = f"From: a@x\nContent-Type: text/plain; charset={charset}\n\nmâine".encode()
    assert "ine" in str(reply(raw).reply)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Return_Path": "<>"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example.com>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"From": ""},
    ],
)
def test_automatic_mail_is_marked(headers: dict[str, str]) -> None:
    assert reply(mail("I am away", **headers)).automatic


def test_the_mark_not_to_answer_automatically_is_no_sign_of_a_machine() -> None:
    assert not reply(mail(X_Auto_Response_Suppress="All", Auto_Submitted="no")).automatic


def notice(action: str, status: str, original: str = f"<{ATTEMPT}@amiable.test>") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx\r\nTo: bounce+{ATTEMPT}@amiable.test\r\nMessage-ID: <d1@mx>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; ana@example.com\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {original}\r\nSubject: x\r\n\r\nbody\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("status", "dead"),
    [("5.1.1", True), ("5.1.10", True), ("5.1.2", True), ("5.1.8", False), ("5.2.2", False), ("5.7.1", False)],
)
def test_a_bounce_names_the_attempt_and_marks_only_wrong_addresses(status: str, dead: bool) -> None:
    report = read_mail(notice("failed", status))
    assert isinstance(report, StatusReport)
    assert (report.state, report.attempt, report.code) == (Delivery.FAILED, ATTEMPT, status)
    assert (report.address_dead, report.event) == (dead, "<d1@mx>")


def test_a_bounce_without_the_original_is_known_by_its_address() -> None:
    report = read_mail(notice("failed", "5.1.1", original="<other@mx>"))
    assert isinstance(report, StatusReport)
    assert report.attempt == ATTEMPT


def test_a_delay_changes_nothing() -> None:
    assert read_mail(notice("delayed", "4.4.1")) is None


def test_a_notice_of_delivery_is_news_too() -> None:
    report = read_mail(notice("delivered", "2.0.0"))
    assert isinstance(report, StatusReport)
    assert report.state is Delivery.DELIVERED


def complaint(to: str, quoted: str) -> bytes:
    return (
        f"From: fbl@provider\r\nTo: {to}\r\nMessage-ID: <c1@provider>\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n{quoted}\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


BOUNCES = f"bounce+{ATTEMPT}@amiable.test"


@pytest.mark.parametrize(
    ("to", "quoted", "known"),
    [
        (BOUNCES, "Version: 1", ATTEMPT),
        ("fbl@amiable.test", f"Original-Mail-From: <{BOUNCES}>", ATTEMPT),
        ("fbl@amiable.test", "Version: 1", None),
    ],
)
def test_a_complaint_without_the_original_is_known_by_the_address_of_bounces(
    to: str, quoted: str, known: UUID | None
) -> None:
    report = read_mail(complaint(to, quoted))
    assert isinstance(report, StatusReport)
    assert (report.complaint, report.attempt) == (True, known)


def nested(depth: int) -> bytes:
    return b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (i, i) for i in range(depth))


BOMBS = {
    "nested": nested(3000),
    "nested a little": nested(50),
    "enclosed": b"Content-Type: message/rfc822\n\n" * 3000,
    "splinters": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 100_000,
    "large": b"From: a@x\n\n" + b"a" * (11 * 1024 * 1024),
    "lines": b'From: a@x\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\n' + b"\n" * 1_000_000,
    "recipients": b"From: a@x\nTo: " + b"a@example.com, " * 20_000 + b"\n\n1",
    "words": b"From: a@x\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\n",
    "headers": b"X: y\n" * 50_000 + b"\n1",
    "html": b"Content-Type: text/html\n\n" + b"<div><!" * 100_000,
    "quotes": b"From: a@x\n\n" + b"On 1 wrote:\n" * 20_000,
}


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS.keys())
def test_a_mail_bomb_is_read_or_refused_at_once(raw: bytes) -> None:
    started = time.process_time()
    with suppress(MailRefused):
        read_mail(raw)
    assert time.process_time() - started < 2


def test_what_is_too_deep_or_too_large_is_refused() -> None:
    for name in ("nested", "enclosed", "splinters", "large"):
        with pytest.raises(MailRefused):
            read_mail(BOMBS[name])


def read_or_refuse(raw: bytes) -> None:
    try:
        answer = read_mail(raw)
    except MailRefused:
        return
    if isinstance(answer, Inbound) and isinstance(answer.reply, Said):
        answer.reply.text.encode()
        assert "\0" not in answer.reply.text + answer.sender + answer.event


@given(st.binary(max_size=500))
def test_reading_random_bytes_never_raises(raw: bytes) -> None:
    read_or_refuse(raw)


BROKEN = rb"""From:
From: \xff <a@x>
To: reply+a@b
Subject: =?utf-8?b?////?=
Message-ID: <\x00>
Content-Type: multipart/report; boundary=b
Content-Type: multipart/mixed; boundary=b
Content-Type: message/delivery-status
Content-Type: text/html
Content-Type: text/plain; charset*=x''%ff
Content-Type: text/plain; charset=idna
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: x-uuencode
Content-Disposition: attachment; filename*0*=
Action: failed
--b
--b--
begin 644 x
> a
On 1.1 x wrote:
"""
LINES = st.sampled_from([*BROKEN.splitlines(), b"=?x?q?\xff?=", b"Message-ID: <\xff\x00>", b"From: \xff"])


@given(st.lists(LINES | st.binary(max_size=20), max_size=25))
def test_reading_a_broken_mail_never_raises(lines: list[bytes]) -> None:
    read_or_refuse(b"\n".join(lines))
