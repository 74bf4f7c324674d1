"""What a decision is made from and what it says: values only, named tuples as in `engine.debt`; the rule itself is
`engine.decide`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from engine.contact import ChannelKind
from engine.debt import Hold, Owed, Part, Pause, Standing, standing
from engine.plan import TaskKind, Verb

NO_STAGE = -1


class CaseStatus(StrEnum):
    """Open and suspended are arithmetic over the debt; a case closes when real debt is gone."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Ending(StrEnum):
    """Why a case closed: its debt is gone, or its last stage has been worked (A5)."""

    PAID = "paid"
    WORKED = "worked"


class Deferral(NamedTuple):
    """A stage that a person skips (`until` None) or holds back until a day of the client's (B12)."""

    stage: int
    until: date | None


class RunningCase(NamedTuple):
    """The work cycle under way, its stages by number in the plan.

    `entered` were entered in this cycle, `delivered` are those whose notice reached the client (ARCHITECTURE 16),
    `ordered` is what was ordered in it already, by verb and account; `expects_mail`: a relay took mail less than a day
    ago, which counts as delivered if it does not come back.
    """

    id: int
    cycle: int
    stage: int
    started_on: date
    stage_entered_on: date | None
    told: CaseStatus
    entered: frozenset[int] = frozenset()
    ordered: frozenset[tuple[Verb, int]] = frozenset()
    delivered: frozenset[int] = frozenset()
    deferrals: tuple[Deferral, ...] = ()
    expects_mail: bool = False


class CaseFacts(NamedTuple):
    """All that is known of a client for one plan and currency; `today` is the day in their `zone`.

    `last_entered_on` and `last_contact_on` are the client's days on which a stage of this plan was entered and any
    contact planned; `finishing` is a plan the client has left, whose case has to end first; `worked_today` that a
    cycle of a blinking plan ended today; `suspended_elsewhere` are accounts whose service another running case of the
    client has suspended; `told` is the key of the latest decision in the log; `coming_on` the next day on which another
    bill falls due or an installment not yet due is missed.
    """

    client: int
    plan: int
    currency: str
    zone: str
    today: date
    owed: tuple[Owed, ...]
    holds: tuple[Hold, ...]
    cycles: int
    case: RunningCase | None
    missed: tuple[int, ...] = ()
    pauses: tuple[Pause, ...] = ()
    last_entered_on: date | None = None
    last_contact_on: date | None = None
    finishing: str | None = None
    worked_today: bool = False
    suspended_elsewhere: frozenset[int] = frozenset()
    told: str | None = None
    coming_on: date | None = None

    @property
    def debt(self) -> Standing:
        """The two debts of today; computed at each call."""
        return standing(self.owed, self.holds, self.today)

    @property
    def claim(self) -> Standing:
        """What a talk is about: the debt under work or, where a blinking plan has left it all alone, that."""
        if any(item.part is Part.WORKED for item in self.owed):
            return self.debt
        left = (item._replace(part=Part.WORKED) if item.part is Part.EARLIER else item for item in self.owed)
        return standing(tuple(left), self.holds, self.today)


class Term(StrEnum):
    """What a case can be waiting for before it starts, or before it enters a stage."""

    START_DEBT = "start_debt"
    FINISHING = "finishing"
    WORKED_TODAY = "worked_today"
    LAST_STAGE = "last_stage"
    PAUSED = "paused"
    HELD = "held"
    AFTER_DAYS = "after_days"
    MIN_DEBT = "min_debt"
    DAYS_PAST_DUE = "days_past_due"
    UNPAID_INVOICES = "unpaid_invoices"
    DELIVERY = "delivery"
    CONTACT_GAP = "contact_gap"


class Unmet(NamedTuple):
    """A term that does not hold: what it needs, what there is, and the day from which it holds if nothing changes.

    Sums are minor units, days whole days; `needs` of DELIVERY is the number of a stage.
    """

    term: Term
    needs: int = 0
    has: int = 0
    day: date | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.term.value}:{self.needs}:{self.has}:{self.day or ''}:{self.name}"


class Approach(NamedTuple):
    """A contact to plan: the action's number in its stage, the script, and the channels to try in turn."""

    action: int
    script: str
    channels: tuple[ChannelKind, ...]


class Instruction(NamedTuple):
    """An order on one account, for the stage it belongs to."""

    stage: int
    verb: Verb
    account: int


class Work(NamedTuple):
    """A task for a person; `source` names its cause, so that one cause makes one task."""

    kind: TaskKind
    reason: str
    source: str


class Decision(NamedTuple):
    """What follows for one client today, and what the step after it waits for.

    `status` None means there is no case and none begins. `enters`: the stage is entered for the first time in this
    cycle, so its actions follow; in a strictest plan a case also moves without entering.
    """

    facts: CaseFacts
    standing: Standing
    status: CaseStatus | None
    stage: int = NO_STAGE
    begins: bool = False
    enters: bool = False
    ending: Ending | None = None
    approaches: tuple[Approach, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    work: tuple[Work, ...] = ()
    unmet: tuple[Unmet, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether the case is in another stage after this decision."""
        return self.status is not None and self.stage != (self.facts.case.stage if self.facts.case else NO_STAGE)

    @property
    def key(self) -> str:
        """Decisions of one key are told once in the log: the same debts, in the same stage, waiting for the same."""
        what = self.ending or f"{self.status} {self.stage}"
        return ";".join([what, str(self.standing.real), str(self.standing.conditional), *map(str, self.unmet)])

    @property
    def changes(self) -> bool:
        """Whether anything is to be done or the case stands differently."""
        told = self.facts.case.told if self.facts.case else None
        return bool(
            self.begins
            or self.moves
            or self.instructions
            or self.work
            or (self.status is not None and self.status != told)
        )

    @property
    def news(self) -> bool:
        """Whether the log has to hear of it."""
        return self.changes or self.key != self.facts.told
