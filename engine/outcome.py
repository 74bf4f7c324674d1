"""What a talk can tell the case store. Dialogs emit outcomes; `engine.apply` books them, in the turn's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from engine.money import Money


class Handover(StrEnum):
    """Why a talk goes to an operator."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not_understood"
    IDENTITY = "identity"
    FAULT = "fault"
    HARDSHIP = "hardship"
    BEREAVEMENT = "bereavement"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """The client confirmed a promise to pay by `until`, a day in their zone; `amount` None means all unfrozen debt.

    `instead` is the one of the same talk that it corrects, its amount and day: that one is no more.
    """

    amount: Money | None
    until: date
    instead: tuple[Money, date] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class InstallmentsRequested:
    """The client asks to pay in `parts` equal parts; a request until an operator or a policy grants it."""

    parts: int


@dataclass(frozen=True, slots=True)
class PaymentClaimed:
    """The client says it is paid already: the unfrozen debt waits as unconfirmed until billing settles the claim.

    `details` are what they told of it in their own words, if anything: when, where, how much.
    """

    details: str = ""


@dataclass(frozen=True, slots=True)
class Disputed:
    """The client contests the debt; `reason` is in their own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class OperatorRequested:
    """The talk goes to a person; the bot is silent in it until handed back.

    `about` says what went wrong, for whoever repairs it; it is no part of what was said.
    """

    why: Handover
    about: str = field(default="", compare=False, repr=False)

    @property
    def reason(self) -> str:
        """Both, for the person who takes over."""
        return f"{self.why}: {self.about}" if self.about else self.why


@dataclass(frozen=True, slots=True)
class OptedOut:
    """No more messages by the channel this was said on."""


@dataclass(frozen=True, slots=True)
class WrongPerson:
    """The address reaches somebody else: it is not used again until corrected."""


@dataclass(frozen=True, slots=True)
class LinkWanted:
    """The client wants to pay now on a channel that cannot carry a link: it is to be sent to their telephone."""


@dataclass(frozen=True, slots=True)
class CallbackWanted:
    """The client agreed to be called on a day in their zone; `place` is the script's label of where they pay."""

    day: date
    place: str = ""


class OfferKind(StrEnum):
    """What a plan may offer besides payment in full."""

    AMNESTY = "amnesty"
    PREPAYMENT = "prepayment"


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The client took an offer of their plan's; a person carries it out."""

    offer: OfferKind


class OtherWay(StrEnum):
    """How somebody who does not answer is to be reached instead."""

    OTHER_CHANNEL = "other_channel"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """A question found no answer here: the client is to be reached by another way."""

    then: OtherWay


@dataclass(frozen=True, slots=True)
class LanguageChanged:
    """The talk goes on in `language` (BCP-47); `chosen` when the client asked for it rather than just wrote in it."""

    language: str
    chosen: bool


Outcome = (
    PromiseMade
    | InstallmentsRequested
    | PaymentClaimed
    | Disputed
    | OperatorRequested
    | OptedOut
    | WrongPerson
    | LinkWanted
    | CallbackWanted
    | OfferAccepted
    | NotAnswered
    | LanguageChanged
)
