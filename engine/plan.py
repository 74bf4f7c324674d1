"""Plans: what is done about a debt, stage by stage. Pure values; `engine.plan_file` reads them from YAML."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

from engine.contact import ChannelKind
from engine.installment import InstallmentPolicy
from engine.offer import Amnesty, Prepayment


class Verb(StrEnum):
    """An order to another system. `restore_service` is also given by the engine itself when a case closes."""

    SUSPEND_SERVICE = "suspend_service"
    RESTORE_SERVICE = "restore_service"
    STATUS_COLLECTIONS = "status_collections"
    CREDIT_HOLD = "credit_hold"
    RECOMMEND_CREDIT_LIMIT = "recommend_credit_limit"
    LETTER = "letter"
    REFER_AGENCY = "refer_agency"
    LEGAL_REVIEW = "legal_review"
    WRITE_OFF_REQUEST = "write_off_request"
    CHARGE_FEE = "charge_fee"
    OFFER_CAMPAIGN = "offer_campaign"


class TaskKind(StrEnum):
    """Work for a person."""

    CALL = "call"
    VISIT = "visit"
    LETTER = "letter"
    REVIEW = "review"
    CALLBACK = "callback"


class Advance(StrEnum):
    """How a case moves: one stage a day in order, or to the most severe stage whose terms hold, up or down."""

    STEPWISE = "stepwise"
    STRICTEST = "strictest"


@dataclass(frozen=True, slots=True)
class Send:
    """Talk to the client: a script, by the first of the channels that can reach them."""

    script: str
    channels: tuple[ChannelKind, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An order for each account whose own conditional debt reaches `min_account_debt` minor units (A9)."""

    verb: Verb
    min_account_debt: int


@dataclass(frozen=True, slots=True)
class GiveTask:
    """A task in the work list."""

    kind: TaskKind


Action = Send | Order | GiveTask


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a plan. It is entered when all of its terms hold; sums are minor units of the case's currency.

    `after_days` counts calendar days since the previous stage was entered, for the first stage since the cycle began,
    less paused days. `days_past_due` is of delinquent days. `needs_delivered` is the number of an earlier stage.
    """

    name: str
    after_days: int = 0
    min_debt: int = 0
    days_past_due: int = 0
    min_unpaid_invoices: int = 0
    actions: tuple[Action, ...] = ()
    needs_delivered: int | None = None

    @property
    def speaks(self) -> bool:
        """Whether entering it starts a contact."""
        return any(isinstance(action, Send) for action in self.actions)

    def order(self, verb: Verb) -> Order | None:
        """Its order of that kind; None where it gives none."""
        return next((one for one in self.actions if isinstance(one, Order) and one.verb is verb), None)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Which invoices are real debt of a plan (A8); what is left empty asks nothing. Ages are days past due."""

    services: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    min_age: int = 0
    max_age: int | None = None
    min_amount: int = 0

    def holds(self, service: str, provider: str, age: int, amount: int) -> bool:
        """Whether an invoice of `amount` minor units, billed in full, counts when it is `age` days past due."""
        of_age = age >= self.min_age and (self.max_age is None or age <= self.max_age)
        return of_age and self.will_hold(service, provider, amount)

    def will_hold(self, service: str, provider: str, amount: int) -> bool:
        """Whether an invoice counts one day; how old it has to be for that does not matter yet."""
        return (
            (not self.services or service in self.services)
            and (not self.providers or provider in self.providers)
            and amount >= self.min_amount
        )

    @property
    def ages(self) -> bool:
        """Whether an invoice comes to count, or stops, by growing older."""
        return self.min_age > 0 or self.max_age is not None


EVERYTHING = Inclusion()
"""What a plan includes that says nothing about it."""


class Notice(StrEnum):
    """News of something that has happened, each by the script of its name."""

    SERVICE_RESTORED = "service_restored"
    PROMISE_KEPT = "promise_kept"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_ANSWERED = "dispute_answered"
    PAYMENT_UNCLEAR = "payment_unclear"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Courtesy contacts about what was agreed or has happened; none by default. Days before the day in question.

    Without `channels` they go by those of the plan's stages, in the order they first appear.
    """

    promise_before: int | None = None
    promise_broken: bool = False
    installment_before: int | None = None
    installment_missed: bool = False
    notices: frozenset[Notice] = frozenset()
    channels: tuple[ChannelKind, ...] = ()

    @property
    def asked(self) -> bool:
        """Whether it asks for any contact at all."""
        return replace(self, channels=()) != FollowUp()


@dataclass(frozen=True, slots=True)
class Courtesy:
    """A reminder of an invoice `before_due` days before it falls due, when it is no debt yet."""

    before_due: int
    send: Send


@dataclass(frozen=True, slots=True)
class Offers:
    """What a plan's scripts may offer; nothing by default. Made by a script, never by the engine."""

    amnesty: Amnesty | None = None
    prepayment: Prepayment | None = None


@dataclass(frozen=True)  # without slots, for what is worked out once to be kept
class Plan:
    """A plan in one currency. Work starts on debts `after_days` past due once they reach `min_debt` minor units.

    `grace` days after its last day a promise is judged, and kept if `promise_threshold` percent of it came. `agency` is
    the collection agency that a referred debt goes to; empty where the plan names none.
    """

    name: str
    group: str
    standard: bool
    after_days: int
    min_debt: int
    stages: tuple[Stage, ...]
    exit_debt: int = 0
    blinking: bool = False
    advance: Advance = Advance.STEPWISE
    include: Inclusion = EVERYTHING
    min_days_between_contacts: int = 0
    grace: int = 0
    promise_threshold: int = 100
    installments: InstallmentPolicy | None = None
    follow_up: FollowUp = FollowUp()
    courtesies: tuple[Courtesy, ...] = ()
    offers: Offers = Offers()
    agency: str = ""

    @property
    def channels(self) -> tuple[ChannelKind, ...]:
        """Every channel the stages speak by, in the order they first appear."""
        sends = [one for stage in self.stages for one in stage.actions if isinstance(one, Send)]
        return tuple(dict.fromkeys(channel for send in sends for channel in send.channels))

    @property
    def follow_up_channels(self) -> tuple[ChannelKind, ...]:
        """By which channels courtesies about what was agreed or has happened go."""
        return self.follow_up.channels or self.channels

    @cached_property
    def orders(self) -> tuple[tuple[int, Order], ...]:
        """Every order, with the number of its stage, in their order."""
        found = [(number, one) for number, stage in enumerate(self.stages) for one in stage.actions]
        return tuple((number, one) for number, one in found if isinstance(one, Order))

    @cached_property
    def includes_all(self) -> bool:
        """Whether every due invoice is real debt of this plan."""
        return self.include == EVERYTHING

    def includes(self, service: str, provider: str, due: date, amount: int, today: date) -> bool:
        """Whether a due invoice is real debt of this plan on a day."""
        return self.include.holds(service, provider, (today - due).days, amount)
