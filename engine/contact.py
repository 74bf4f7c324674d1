"""The words of an approach to a client: by which channel, and how its sending stands."""

from __future__ import annotations

from enum import StrEnum


class ChannelKind(StrEnum):
    """A way to reach a client. Each has one adapter in `channels/`."""

    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"
    TELEGRAM = "telegram"

    @property
    def overheard(self) -> bool:
        """Whether somebody else than the client may be listening: identity comes before the debt (ARCHITECTURE 8)."""
        return self is ChannelKind.VOICE


class Delivery(StrEnum):
    """Where one outbound message stands. Statuses of a carrier only ever rise in rank (see `rank`).

    `unknown`: the carrier may or may not have taken it; a resolver asks, nothing is sent again blindly.
    """

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUSED = "refused"

    @property
    def rank(self) -> int:
        """Order of certainty: a status replaces only one of lower rank, so late callbacks change nothing."""
        return RANKS[self]


RANKS = {
    Delivery.READY: 0,
    Delivery.SENDING: 1,
    Delivery.UNKNOWN: 2,
    Delivery.ACCEPTED: 3,
    Delivery.SENT: 4,
    Delivery.REFUSED: 5,
    Delivery.EXPIRED: 6,
    Delivery.FAILED: 7,
    Delivery.DELIVERED: 8,
    Delivery.READ: 9,
}
"""No two alike: whatever the order in which news comes, the end is the same."""
