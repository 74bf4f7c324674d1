"""Mail by an SMTP relay: text with a simple HTML twin, in a thread that answers find their way back to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from channels.layout import mail_text
from channels.mail_page import answer_by_mail, mail_page
from channels.maillog import took
from channels.one_click import HEADERS, list_headers
from channels.port import (
    CANNOT_TELL,
    CannotTell,
    Capabilities,
    Draft,
    Envelope,
    NotSent,
    Receipt,
    Rejected,
    Sought,
    Uncertain,
    Unreached,
)
from dialogs.message import Speech
from engine.contact import ChannelKind

ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]{1,64}@[A-Za-z0-9.-]{1,253}")
ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
NO_SUCH_USER = frozenset({550, 551, 553})
CLOSING = 421
GREYLIST_WAIT = 300.0
# Seven bits pass every relay.
WIRE = SMTP_POLICY.clone(cte_type="7bit", header_factory=HEADERS)


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """A relay and who we are to it. `relay_url` is smtp://[user:password@]host[:port], or smtps:// for TLS at once.

    With smtp:// TLS is used where the relay offers it. `domain` is ours: the sender `billing@domain`, answers to
    `reply+<thread>@domain`, bounces to `bounce+<attempt>@domain`, opt-outs to `stop+<thread>@domain`; mail for it must
    reach the mailbox. `log` is the relay's log, where it is a Postfix of ours and can be read. `public_url` is the web
    application's address; where that is HTTPS, mails offer to unsubscribe by one click.
    """

    relay_url: str
    domain: str
    sender_name: str
    timeout: float = 20.0
    connections: int = 4
    log: Path | None = None
    public_url: str = ""


class EmailChannel:
    """The adapter of mail. `now` dates what is sent. Connections are kept; no message is offered twice."""

    kind = ChannelKind.EMAIL
    capabilities = Capabilities(confirms_delivery=False)

    def __init__(self, settings: EmailSettings, now: Callable[[], datetime]) -> None:
        self._settings, self._now = settings, now
        self._idle: list[SMTP] = []
        self._slots = asyncio.Semaphore(settings.connections)

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """Text and HTML say the same; options are answered with a number or in words, in the HTML by a link as well."""
        answer = partial(answer_by_mail, thread=envelope.thread, domain=self._settings.domain)
        return Draft(
            self.kind,
            envelope.attempt,
            envelope.to,
            mail_text(speech),
            subject=speech.subject,
            html=mail_page(speech, answer),
            thread=envelope.thread,
            first=envelope.first,
        )

    async def send(self, draft: Draft) -> Receipt:
        """Hand the draft to the relay once. The receipt is the Message-ID, the same for every try of this attempt.

        Given up before the mail itself was begun, it raises NotSent in place of the cancellation.
        """
        message, begun = self._message(draft), False
        try:
            async with self._slots:
                relay = await self._greeted(draft)
                begun = True
                await self._hand_over(relay, message.as_bytes())
                self._idle.append(relay)
        except asyncio.CancelledError:
            if begun:
                raise
            raise NotSent("it was given up before the relay was offered the mail", retry_after=0.0) from None
        return Receipt(str(message["Message-ID"]))

    async def find(self, sought: Sought, since: datetime) -> Receipt | CannotTell:
        """SMTP has no way to ask. The relay's log may tell that it took the mail, and nothing that it did not: logs are
        turned over, and come late from other machines."""
        message, log = f"<{sought.attempt}@{self._settings.domain}>", self._settings.log
        if log is not None and await asyncio.to_thread(took, log, message):
            return Receipt(message)
        return CANNOT_TELL

    async def close(self) -> None:
        """Say goodbye on the kept connections."""
        while self._idle:
            relay = self._idle.pop()
            try:
                await relay.quit(timeout=2)
            except (SMTPException, OSError):
                relay.close()

    async def _hand_over(self, relay: SMTP, raw: bytes) -> None:
        try:
            await relay.data(raw)
        except SMTPResponseException as error:
            relay.close()
            # An answer that refuses leaves no doubt, even after the last dot (RFC 5321, 4.2.5).
            raise _refusal(error) from None
        except (SMTPException, OSError) as error:
            relay.close()
            raise Uncertain(f"the relay's answer to the mail did not come: {error or type(error).__name__}") from None
        except asyncio.CancelledError:
            relay.close()
            raise

    async def _greeted(self, draft: Draft) -> SMTP:
        """A connection on which the relay has taken sender and recipient. Up to here nothing was sent."""
        try:
            while self._idle:
                relay = self._idle.pop()
                try:
                    return await self._addressed(relay, draft)
                except (SMTPServerDisconnected, SMTPTimeoutError):
                    continue  # it was kept too long: the next one, or a new one
                except SMTPResponseException as error:
                    if error.code != CLOSING:
                        raise
            return await self._addressed(await self._connected(), draft)
        except SMTPResponseException as error:
            raise _refusal(error) from None
        except (SMTPException, OSError) as error:
            raise Unreached(f"the mail relay broke off: {error or type(error).__name__}") from None

    async def _addressed(self, relay: SMTP, draft: Draft) -> SMTP:
        try:
            await relay.mail(f"bounce+{draft.attempt}@{self._settings.domain}")
            await relay.rcpt(draft.to)
        except BaseException:
            relay.close()
            raise
        return relay

    async def _connected(self) -> SMTP:
        url = urlsplit(self._settings.relay_url)
        relay = SMTP(
            hostname=url.hostname or "localhost",
            port=url.port,
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            use_tls=url.scheme == "smtps",
            local_hostname=self._settings.domain,
            timeout=self._settings.timeout,
        )
        try:
            await relay.connect()
        except (SMTPException, OSError) as error:
            # A refused greeting or password is about us, not about this mail: it waits until that is put right.
            raise Unreached(f"the mail relay cannot be reached: {error or type(error).__name__}") from None
        except asyncio.CancelledError:
            relay.close()
            raise
        return relay

    def _message(self, draft: Draft) -> EmailMessage:
        """The mail as it goes out. Raises Rejected where an address or a header would break out of its line."""
        if not (ADDRESS.fullmatch(draft.to) and draft.to.isascii()):
            raise Rejected(f"'{draft.to}' is not a mail address", "bad_address", address_dead=True)
        domain = self._settings.domain
        message, thread = EmailMessage(WIRE), f"<{draft.thread}@{domain}>"
        headers = {
            "Message-ID": f"<{draft.attempt}@{domain}>",
            "Date": format_datetime(self._now()),
            "To": draft.to,
            "Reply-To": f"reply+{draft.thread}@{domain}",
            "Subject": draft.subject,
            **list_headers(draft.thread, domain, self._settings.public_url),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "References": thread,
        }
        if not draft.first:
            headers["In-Reply-To"] = thread
        try:
            message["From"] = Address(self._settings.sender_name, "billing", domain)
            for name, value in headers.items():
                message[name] = value
            message.set_content(draft.body)
            if draft.html:
                message.add_alternative(draft.html, subtype="html")
        except ValueError as error:
            raise Rejected(f"the mail cannot be written: {error}", "bad_header") from None
        return message


def _refusal(error: SMTPResponseException) -> NotSent | Rejected:
    reason = f"the mail relay answered {error.code}: {error.message}"
    if error.code == CLOSING:
        return Unreached(reason)
    if error.code < 500:
        return NotSent(reason, retry_after=GREYLIST_WAIT)
    found = ENHANCED.search(error.message)
    code = found[1] if found else str(error.code)
    # 5.1.x is about the address, but for 5.1.7 and 5.1.8 which are about ours (RFC 3463).
    dead = code.startswith("5.1.") and code not in {"5.1.7", "5.1.8"} if found else error.code in NO_SUCH_USER
    return Rejected(reason, code, address_dead=dead and isinstance(error, SMTPRecipientRefused))
