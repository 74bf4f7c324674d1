"""The one port every carrier's adapter fits: compose (pure), send, find; and what comes in from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol, runtime_checkable
from uuid import UUID

from dialogs.message import Reply, Speech
from engine.contact import ChannelKind, Delivery


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a speech goes. `attempt` is our id of this try, carried to the carrier wherever it lets us.

    `thread` is a stable token of the conversation (mail threads and reply addresses); `first` marks its opening.
    `lasts` is for how many seconds it is of use: what a carrier has not delivered by then it should drop.
    """

    attempt: UUID
    to: str
    thread: str
    first: bool = True
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message: pressing it sends `payload` back to us, or opens `url`."""

    label: str
    payload: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message laid out for one channel, stored with its hash before the network is touched.

    `body` is what a person reads, labels of buttons included; `buttons` are rows, on channels that have them.
    """

    channel: ChannelKind
    attempt: UUID
    to: str
    body: str
    subject: str = ""
    html: str = ""
    thread: str = ""
    first: bool = True
    buttons: tuple[tuple[Button, ...], ...] = ()
    lasts: float | None = None

    @property
    def sought(self) -> Sought:
        """What it would be looked up by."""
        return Sought(self.attempt, self.to, digest(self.body))


@dataclass(frozen=True, slots=True)
class Sought:
    """A sent message to look up at its carrier: its text is known by SHA-256 only, as the store keeps it.

    `known` are the carrier's ids of other messages to that address: none of them is the one in doubt.
    """

    attempt: UUID
    to: str
    digest: bytes
    known: frozenset[str] = frozenset()


CLOCKS_APART = timedelta(hours=2)
"""So much earlier than by our clock a carrier may have dated a message by its own.

Wide enough for a machine set to a wrong zone or season: our other messages of that time are known, and left out.
"""


def digest(body: str) -> bytes:
    """What a text is known by: SHA-256 of it without surrounding space, which carriers trim."""
    return sha256(body.strip().encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The carrier took the message; `reference` is its own id for it.

    `state` is what its taking it means on this channel (ARCHITECTURE 16).
    """

    reference: str
    state: Delivery = Delivery.ACCEPTED


class SendFailed(Exception):
    """A send did not end with the carrier's acceptance. One of the classes below says what may follow."""


class NotSent(SendFailed):
    """The carrier certainly did not take it: it may be tried again after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float = 30.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Unreached(NotSent):
    """No byte of it left (no connection, no TLS), or the carrier does not let us in: that is about no one message."""


class Busy(NotSent):
    """The carrier asks us to slow down (429): nothing more goes to it for `retry_after` seconds."""


class Rejected(SendFailed):
    """The carrier refused it for good: try the plan's next channel. `address_dead` marks the address unusable."""

    def __init__(self, reason: str, code: str = "", *, address_dead: bool = False, opted_out: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.address_dead = address_dead
        self.opted_out = opted_out


class Uncertain(SendFailed):
    """A timeout, a 5xx or a cut connection: the carrier may have taken it. Never sent again blindly."""


class LookupFailed(Exception):
    """The carrier could not be asked: nothing is known yet, ask again later.

    `retry_after` is for how many seconds it wants to be left alone, None where it says nothing of that.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Unreadable(ValueError):
    """What came in is not what the carrier sends, though it was signed: it is kept for a person to look at."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A reply as it came. `event` is the carrier's unique id of it; `thread` our token, where the channel carries one.

    `attempt` is the send it answers, where the channel tells: a reply proves that the carrier had taken it.
    `message` is the carrier's name of the message, where it can be `edited` later: then it comes again by that name.
    `unsubscribes`: it came by the address that our mail's list header names for that, whatever is written in it.
    `automatic` marks bounces, out-of-office and other mail that no person wrote: never answered.
    """

    channel: ChannelKind
    event: str
    sender: str
    reply: Reply
    thread: str = ""
    automatic: bool = False
    attempt: UUID | None = None
    unsubscribes: bool = False
    message: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class StatusReport:
    """News of an earlier send. `attempt` comes from our own callback address or message id, None if it carried none.

    `complaint`: whoever got it told their provider that it was unwanted.
    """

    channel: ChannelKind
    event: str
    reference: str
    state: Delivery
    attempt: UUID | None = None
    code: str = ""
    address_dead: bool = False
    opted_out: bool = False
    complaint: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A message as its carrier has it on record, and what the webhook of it would have brought.

    `event` and `raw` are that webhook's name in the inbox and its body; `event` is empty where there is none to come
    yet. `ours`: we sent it to the `person`, not they to us. `sender` is the number of ours it went by, `reference` the
    carrier's own name of it. By the carrier's clock `at` is when it took the message, `changed` when that last changed.
    `digest` is empty where the carrier keeps no text.
    """

    event: str
    raw: bytes
    ours: bool
    reference: str
    sender: str
    person: str
    at: datetime
    changed: datetime
    digest: bytes = b""


class CannotTell:
    """The carrier offers no way to look a message up."""


CANNOT_TELL = CannotTell()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do; `confirms_delivery` says whether a delivered status will ever come (ARCHITECTURE 16)."""

    buttons: bool = False
    inbound: bool = True
    confirms_delivery: bool = True
    limits: dict[str, int] = field(default_factory=dict)


class Channel(Protocol):
    """An adapter of one carrier. `compose` is pure; `send` raises only SendFailed; nothing here retries."""

    kind: ChannelKind
    capabilities: Capabilities

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """Lay a speech out for this channel: numbered options, buttons, markup, link placement, escaping."""
        ...

    async def send(self, draft: Draft) -> Receipt:
        """Hand the draft to the carrier, once. Raises NotSent, Rejected or Uncertain."""
        ...

    async def find(self, sought: Sought, since: datetime) -> Receipt | CannotTell | None:
        """Look up whether the carrier has this message, sent at or after `since` (aware UTC). Raises LookupFailed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Recording(Protocol):
    """A carrier that can be asked for all it has on record, not only for one message."""

    kind: ChannelKind

    def records(self, since: datetime) -> AsyncIterator[Sequence[Record | Unreadable]]:
        """What it sent and received for us at or after `since` (aware UTC), newest first, a page a request.

        A record that makes no sense is Unreadable in its place: the others are not. Raises LookupFailed.
        """
        ...
