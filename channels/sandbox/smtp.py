"""A mail relay on loopback: keeps what it takes, bounces where told to, and brings subscribers' answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.message import Message
from email.policy import SMTP as WIRE
from email.utils import parseaddr
from pathlib import Path
from uuid import uuid4

import aiosmtpd.smtp
from aiosmtpd.smtp import Envelope, Session
from aiosmtplib import SMTP, SMTPException

from channels.listener import Listener
from channels.sandbox.journal import Entry, Journal
from channels.sandbox.mail import MailFate, SentMail, absence_note, letter, notification, reply_to
from channels.sandbox.outbox import Outbox, Owing, Parcel

LARGEST = 10 * 1024 * 1024


class NothingToAnswer(LookupError):
    """No mail was sent to that address, and no address of ours was given to write to."""


class SmtpRelay(Owing):
    """Runs in the caller's event loop. `deliver_to` is the host and port of the application's mailbox.

    `deliver_to` may be set after the start; `now` dates what is kept; `journal` is the file it survives a kill by.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        deliver_to: tuple[str, int] = ("127.0.0.1", 25),
        journal: Path | None = None,
    ) -> None:
        self.deliver_to = deliver_to
        self._now = now
        self._journal = Journal(journal)
        self._outbox = Outbox(self._journal, self._hand_over)
        self._listener = Listener(self, "relay.invalid", LARGEST)
        self._client: SMTP | None = None
        self._one_by_one = asyncio.Lock()
        self._scripts: dict[str, list[tuple[MailFate, str]]] = {}
        self.sent: list[SentMail] = []

    def fate(self, address: str, result: MailFate | str, status: str = "", times: int = 1) -> None:
        """Script the next `times` mails to `address`; `status` is an enhanced code such as 5.2.2. Queues up."""
        self._scripts.setdefault(address.lower(), []).extend([(MailFate(result), status)] * times)

    async def answer(self, sender: str, text: str, to: str = "") -> str:
        """A subscriber answers the last mail sent to them, or writes to `to` if given. Returns the Message-ID."""
        if to:
            mail = letter(sender, to, text.splitlines()[0][:60] if text else "", self._now())
            mail.set_content(text)
        else:
            last = next((sent for sent in reversed(self.sent) if sent.to.lower() == sender.lower()), None)
            if last is None:
                raise NothingToAnswer(f"no mail was sent to {sender}")
            mail = reply_to(last, text, self._now())
        self._outbox.owe(_parcel(mail, sender))
        return str(mail["Message-ID"])

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take up the journal and listen; port 0 takes any free one. Raises OSError."""
        entries = self._journal.open()
        self.sent.extend(_kept(entry) for entry in entries if entry["event"] == "mail")
        await self._listener.start(host, port)
        self._outbox.resume(entries)

    @property
    def url(self) -> str:
        """The address it listens on, as smtp://host:port."""
        host, port = self._listener.address
        return f"smtp://{host}:{port}"

    async def stop(self) -> None:
        """Stop at once, as a killed process would: what is still owed waits in the journal."""
        await self._outbox.stop()
        if self._client is not None:
            self._client.close()
            self._client = None
        await self._listener.stop()
        self._journal.close()

    async def handle_RCPT(  # noqa: N802 aiosmtpd calls it so
        self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """What the dialogue answers to a recipient."""
        fate, status = next(iter(self._scripts.get(address.lower(), [])), (MailFate.DELIVERED, ""))
        if fate in (MailFate.REFUSED, MailFate.GREYLISTED):
            self._scripts[address.lower()].pop(0)
            return (
                f"550 {status or '5.1.1'} Refused" if fate is MailFate.REFUSED else "451 4.7.1 Please try again later"
            )
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd calls it so
        """Keep the mail for each recipient, and what follows from it."""
        scripts = [self._scripts.get(to.lower(), []) for to in envelope.rcpt_tos]
        fates = [script.pop(0) if script else (MailFate.DELIVERED, "") for script in scripts]
        if any(fate is MailFate.BROKEN for fate, _ in fates):
            return "554 5.6.0 The content is refused"
        sender = (envelope.mail_from or "").strip("<>")
        for to, (fate, status) in zip(envelope.rcpt_tos, fates, strict=True):
            self._accept(SentMail(uuid4().hex, sender, to, envelope.content, self._now(), fate), status)
        if any(fate is MailFate.LOST for fate, _ in fates):
            server.transport.abort()
            await asyncio.Event().wait()  # the lost connection cancels this dialogue
        return "250 2.0.0 Taken"

    def _accept(self, sent: SentMail, status: str) -> None:
        self.sent.append(sent)
        record = {
            "event": "mail",
            "id": sent.id,
            "sender": sent.sender,
            "to": sent.to,
            "raw": sent.raw.decode("latin-1"),
            "at": sent.at.isoformat(),
            "fate": sent.fate.value,
        }
        follow: list[Parcel] = []
        if sent.fate is MailFate.BOUNCED:
            follow.append(_parcel(notification(sent, "failed", status or "5.1.1", self._now()), "", sent.sender))
        elif sent.fate is MailFate.DELAYED:
            follow.append(_parcel(notification(sent, "delayed", status or "4.4.1", self._now()), "", sent.sender))
        elif sent.fate is MailFate.AWAY:
            follow.append(_parcel(absence_note(sent, self._now()), ""))
        self._outbox.owe(*follow, record=record)

    async def _hand_over(self, parcel: Parcel) -> bool:
        async with self._one_by_one:
            try:
                client = await self._connected()
                await client.sendmail(parcel.sender, [parcel.to], parcel.body.encode("latin-1"))
            except (SMTPException, OSError):
                if self._client is not None:
                    self._client.close()
                    self._client = None
                return False
        return True

    async def _connected(self) -> SMTP:
        if self._client is None or not self._client.is_connected:
            host, port = self.deliver_to
            self._client = SMTP(hostname=host, port=port, local_hostname="relay.invalid", start_tls=False, timeout=15)
            await self._client.connect()
        return self._client


def _parcel(mail: Message, sender: str, to: str = "") -> Parcel:
    """A mail to hand over; an empty `sender` is the null sender of automatic mail."""
    raw = mail.as_bytes(policy=WIRE).decode("latin-1")
    return Parcel(uuid4().hex, f"from {mail['From']}", to or parseaddr(str(mail["To"]))[1], raw, sender)


def _kept(entry: Entry) -> SentMail:
    raw, at = entry["raw"].encode("latin-1"), datetime.fromisoformat(entry["at"])
    fate = MailFate(entry.get("fate", MailFate.DELIVERED))
    return SentMail(entry["id"], entry["sender"], entry["to"], raw, at, fate)
