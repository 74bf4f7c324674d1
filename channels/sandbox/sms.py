"""An SMS in the hands of the sandbox carrier, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a message."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SILENT = "silent"
    """Accepted, and never heard of again."""
    REFUSED = "refused"
    """Answered with 400 and the error given."""
    BUSY = "busy"
    """Answered with 429; not taken."""
    BROKEN = "broken"
    """Answered with 500; not taken."""
    LATE = "late"
    """Taken and answered only after the delay given."""
    LOST = "lost"
    """Taken, and the connection dropped instead of an answer."""


@dataclass(frozen=True, slots=True)
class Script:
    """What was arranged for the next send to a number."""

    fate: Fate
    error: str
    delay: float


@dataclass(frozen=True, slots=True)
class SentSms:
    """A message the carrier took. `at` is by the carrier's clock; `error` is a Twilio code, empty when delivered."""

    sid: str
    to: str
    sender: str
    body: str
    callback: str
    fate: Fate
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReceivedSms:
    """A message a subscriber sent to a number of ours. `at` is by the carrier's clock."""

    sid: str
    sender: str
    to: str
    body: str
    at: datetime


def course(sms: SentSms) -> list[tuple[str, str]]:
    """The statuses a message goes through after its acceptance, with the error of the last."""
    if sms.fate is Fate.SILENT:
        return []
    if sms.fate is Fate.FAILED:
        return [("failed", sms.error or "30008")]
    if sms.fate is Fate.UNDELIVERED:
        return [("sent", ""), ("undelivered", sms.error or "30003")]
    return [("sent", ""), ("delivered", "")]
