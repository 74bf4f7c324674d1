"""What a talk can tell the case store. Dialogs emit outcomes; `engine.apply` books them, in the turn's transaction."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """The client confirmed a promise to pay by `until`, a day in their zone; `amount` None means all unfrozen debt."""

    amount: Money | None
    until: date


@dataclass(frozen=True, slots=True)
class InstallmentsRequested:
    """The client asks to pay in `parts` equal parts; a request until an operator or a policy grants it."""

    parts: int


@dataclass(frozen=True, slots=True)
class PaymentClaimed:
    """The client says it is paid already: the unfrozen debt waits as unconfirmed until billing settles the claim."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """The client contests the debt; `reason` is in their own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class OperatorRequested:
    """The talk goes to a person; the bot is silent in it until handed back."""

    why: Handover


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
    | LanguageChanged
)
