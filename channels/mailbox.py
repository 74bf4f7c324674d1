"""Where subscribers' mail arrives: an SMTP listener for our own domain that answers only for what has been stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from channels.listener import Listener

LARGEST = 10 * 1024 * 1024
MOST_RECIPIENTS = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """Whom a mail came from and for, as the SMTP dialogue said; `sender` is empty for bounces."""

    sender: str
    recipients: tuple[str, ...]


Store = Callable[[bytes, MailEnvelope], Awaitable[None]]


class Mailbox:
    """Hands each mail for `domain` to `store` and says 250 only once that has returned.

    Whatever `store` raises is answered with 451, so that the sending relay keeps the mail and tries again. The bytes
    handed over begin with the Return-Path and the recipients, so they can be read later without the envelope.
    """

    def __init__(self, domain: str, store: Store, size_limit: int = LARGEST) -> None:
        self._listener = Listener(_Reception(domain.lower(), store), domain, size_limit)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one. Raises OSError."""
        await self._listener.start(host, port)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port it listens on."""
        return self._listener.address

    async def stop(self) -> None:
        """Stop listening; a mail not answered yet is the relay's to bring again."""
        await self._listener.stop()


class _Reception:
    """What aiosmtpd calls at each step of the dialogue."""

    def __init__(self, domain: str, store: Store) -> None:
        self._domain, self._store = domain, store

    async def handle_RCPT(  # noqa: N802 aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        if address.rpartition("@")[2].lower() != self._domain:
            return "550 5.7.1 This server takes mail for its own domain only"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:  # noqa: N802 aiosmtpd calls it so
        sender, recipients = (envelope.mail_from or "").strip("<>"), tuple(envelope.rcpt_tos)  # "<>" is the null sender
        trace = f"Return-Path: <{sender}>\r\n" + "".join(f"X-Original-To: {to}\r\n" for to in recipients)
        await self._store(trace.encode("utf-8", "replace") + envelope.content, MailEnvelope(sender, recipients))
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, asyncio.CancelledError):
            raise error
        log.error("a mail could not be stored: %s", type(error).__name__)
        return "451 4.3.0 The mail could not be stored now, please try again later"
