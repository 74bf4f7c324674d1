"""Mails as the sandbox relay keeps and writes them: what was sent, a subscriber's answer, a bounce."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from enum import StrEnum
from functools import cached_property
from uuid import uuid4

# How mail programs introduce a quotation, in the language of the mail they answer.
ATTRIBUTIONS = {
    "en": "On {day}, {who} wrote:",
    "ro": "În data de {day}, {who} a scris:",
    "uk": "{day} {who} пише:",
    "ru": "{day} {who} пишет:",
}


class MailFate(StrEnum):
    """What becomes of a mail."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The recipient is refused with 550 5.1.1 or the status given."""
    GREYLISTED = "greylisted"
    """The recipient is put off with 451."""
    BROKEN = "broken"
    """The content is refused with 554."""
    BOUNCED = "bounced"
    """Taken; a notification of failure follows, 5.1.1 or the status given."""
    DELAYED = "delayed"
    """Taken; a notification of delay follows."""
    AWAY = "away"
    """Delivered; an out-of-office answer follows."""
    LOST = "lost"
    """Taken, and the connection dropped instead of an answer."""


@dataclass(frozen=True)
class SentMail:
    """A mail the relay took. `at` is by the relay's clock; the rest is read from `raw` when asked for.

    Not slotted, so that the parsed mail is kept.
    """

    id: str
    sender: str
    to: str
    raw: bytes
    at: datetime
    fate: MailFate = MailFate.DELIVERED

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        message = message_from_bytes(self.raw, policy=policy.default)
        if not isinstance(message, EmailMessage):
            raise TypeError("the default policy makes EmailMessage")
        return message

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message["Subject"] or "")

    @property
    def message_id(self) -> str:
        """The Message-ID, with its brackets."""
        return str(self.message["Message-ID"] or "")

    @property
    def body(self) -> str:
        """The plain text."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML twin, or nothing."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n").strip() if isinstance(part, EmailMessage) else ""


def reply_to(sent: SentMail, text: str, now: datetime) -> EmailMessage:
    """A person's answer, as a mail program writes it: threaded, the original quoted below."""
    original = sent.message
    found = re.search(r'<html lang="([a-z]{2})', sent.html)
    day, who = f"{sent.at:%d.%m.%Y %H:%M}", str(original["From"])
    attribution = ATTRIBUTIONS.get(found[1] if found else "en", ATTRIBUTIONS["en"]).format(day=day, who=who)
    quoted = "\n".join(f"> {line}" for line in sent.body.splitlines())
    answer = letter(sent.to, str(original["Reply-To"] or original["From"]), f"Re: {sent.subject}", now)
    answer["In-Reply-To"] = sent.message_id
    answer["References"] = f"{original['References'] or ''} {sent.message_id}".strip()
    answer.set_content(f"{text}\n\n{attribution}\n{quoted}\n")
    return answer


def absence_note(sent: SentMail, now: datetime) -> EmailMessage:
    """The answer of a mailbox whose owner is away."""
    note = letter(sent.to, sent.sender, f"Auto: {sent.subject}", now)
    note["Auto-Submitted"] = "auto-replied"
    note["In-Reply-To"] = sent.message_id
    note.set_content("I am out of the office.")
    return note


def letter(sender: str, to: str, subject: str, now: datetime) -> EmailMessage:
    """A mail with its usual headers and no content yet."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{uuid4().hex}@{sender.rpartition('@')[2]}>"
    return mail


def notification(sent: SentMail, action: str, status: str, now: datetime) -> Message:
    """A delivery status notification (RFC 3464) on a mail: `action` failed or delayed, `status` such as 5.1.1."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = "MAILER-DAEMON@relay.invalid"
    report["To"] = sent.sender
    report["Subject"] = "Delivery Status Notification"
    report["Date"] = format_datetime(now)
    report["Message-ID"] = f"<{uuid4().hex}@relay.invalid>"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(f"The mail to {sent.to}: {action} ({status})."))
    fields, about, recipient = Message(), Message(), Message()
    fields["Content-Type"] = "message/delivery-status"
    about["Reporting-MTA"] = "dns; relay.invalid"
    recipient["Final-Recipient"] = f"rfc822; {sent.to}"
    recipient["Action"], recipient["Status"] = action, status
    fields.set_payload([about, recipient])
    report.attach(fields)
    headers = MIMEText(f"Message-ID: {sent.message_id}\nSubject: {sent.subject}\n\n", "rfc822-headers")
    report.attach(headers)
    return report
