from __future__ import annotations

from typing import Any

import pytest
from aiosmtplib import SMTP, SMTPDataError, SMTPRecipientRefused, SMTPResponseException, SMTPSenderRefused

from channels.incoming_mail import read_mail
from channels.mailbox import Mailbox
from channels.port import Inbound

MAIL = "From: ana@example.com\r\nTo: reply+c0ffee@amiable.test\r\nMessage-ID: <m1@x>\r\n\r\nPlătesc"


@pytest.fixture
async def client(mailbox: Mailbox) -> Any:
    host, port = mailbox.address
    async with SMTP(hostname=host, port=port, start_tls=False, timeout=5) as connected:
        yield connected


async def test_250_means_that_the_mail_is_stored(client: SMTP, application: Any) -> None:
    await client.sendmail("ana@example.com", ["reply+c0ffee@amiable.test"], MAIL.encode())
    assert application.mails[0].startswith(
        b"Return-Path: <ana@example.com>\r\nX-Original-To: reply+c0ffee@amiable.test\r\nFrom: ana"
    )
    answer = read_mail(application.mails[0])
    assert isinstance(answer, Inbound)
    assert (answer.thread, answer.automatic) == ("c0ffee", False)


async def test_451_asks_to_come_again_when_it_could_not_be_stored(client: SMTP, application: Any) -> None:
    application.refusing = 1
    with pytest.raises(SMTPDataError) as put_off:
        await client.sendmail("ana@example.com", ["reply+c0ffee@amiable.test"], MAIL.encode())
    assert put_off.value.code == 451
    assert "disk" not in put_off.value.message
    await client.sendmail("ana@example.com", ["reply+c0ffee@amiable.test"], MAIL.encode())
    assert len(application.mails) == 1


async def test_the_null_sender_marks_automatic_mail(client: SMTP, application: Any) -> None:
    await client.sendmail("", ["bounce+x@amiable.test"], MAIL.encode())
    answer = read_mail(application.mails[0])
    assert isinstance(answer, Inbound)
    assert answer.automatic


@pytest.mark.parametrize("to", ["ana@example.com", "reply+x@amiable.test.example.com", "x@notamiable.test"])
async def test_mail_for_other_domains_is_refused(client: SMTP, application: Any, to: str) -> None:
    await client.mail("ana@example.com")
    with pytest.raises(SMTPRecipientRefused) as refused:
        await client.rcpt(to)
    assert refused.value.code == 550
    assert application.mails == []


async def test_the_domain_is_known_in_any_case(client: SMTP, application: Any) -> None:
    await client.sendmail("ana@example.com", ["reply+c0ffee@AMIABLE.test"], MAIL.encode())
    assert len(application.mails) == 1


async def test_a_mail_over_the_limit_is_refused(application: Any) -> None:
    box = Mailbox("amiable.test", application.take_mail, size_limit=1000)
    await box.start("127.0.0.1", 0)
    host, port = box.address
    async with SMTP(hostname=host, port=port, start_tls=False, timeout=5) as client:
        with pytest.raises(SMTPSenderRefused):
            await client.sendmail("ana@example.com", ["a@amiable.test"], b"a" * 1001)
        await client.mail("ana@example.com")
        await client.rcpt("a@amiable.test")
        with pytest.raises(SMTPResponseException) as refused:
            await client.data(b"a\r\n" * 1000)
        assert refused.value.code == 552
    await box.stop()
    assert application.mails == []


async def test_stopping_does_not_wait_for_those_connected(application: Any) -> None:
    box = Mailbox("amiable.test", application.take_mail)
    await box.start("127.0.0.1", 0)
    host, port = box.address
    client = SMTP(hostname=host, port=port, start_tls=False, timeout=5)
    await client.connect()
    await box.stop()
    client.close()
