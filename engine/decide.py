"""The decision: one client, one plan, one day in; what to do out. Pure, and the only place where the rule lives.

The nightly run, the re-decision of one client, the simulator and `amiable why` all call `decide`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from engine.contact import ChannelKind
from engine.debt import Hold, Owed, Standing, standing
from engine.plan import GiveTask, Order, Plan, Send, Stage, TaskKind, Verb

NO_STAGE = -1


class CaseStatus(StrEnum):
    """Open and suspended are arithmetic over the debt; a case closes when real debt is gone."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RunningCase:
    """The work cycle under way. `ordered` holds what was ordered in it already: (stage, verb, account)."""

    id: int
    cycle: int
    stage: int
    started_on: date
    stage_entered_on: date | None
    told: CaseStatus
    ordered: frozenset[tuple[int, Verb, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """All that is known of a client for one plan and currency; `today` is the day in their `zone`."""

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


@dataclass(frozen=True, slots=True)
class Approach:
    """A contact to plan: the action's number in its stage, the script, and the channels to try in turn."""

    action: int
    script: str
    channels: tuple[ChannelKind, ...]


@dataclass(frozen=True, slots=True)
class Instruction:
    """An order on one account, for the stage it belongs to."""

    stage: int
    verb: Verb
    account: int


@dataclass(frozen=True, slots=True)
class Work:
    """A task for a person; `source` names its cause, so that one cause makes one task."""

    kind: TaskKind
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows for one client today. `status` None means there is no case and none begins."""

    facts: CaseFacts
    standing: Standing
    status: CaseStatus | None
    stage: int = NO_STAGE
    begins: bool = False
    advances: bool = False
    approaches: tuple[Approach, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    work: tuple[Work, ...] = field(default=())

    @property
    def changes(self) -> bool:
        """Whether anything has to be written."""
        told = self.facts.case.told if self.facts.case else None
        return bool(
            self.begins
            or self.advances
            or self.approaches
            or self.instructions
            or self.work
            or (self.status is not None and self.status != told)
        )


def decide(facts: CaseFacts, plan: Plan) -> Decision:
    """Decide for one client on their day `facts.today`. Pure; one stage a day at most, in order."""
    debt = standing(facts.owed, facts.holds, facts.today)
    case = facts.case
    if case is not None and debt.real <= plan.exit_debt:
        return Decision(
            facts, debt, CaseStatus.CLOSED, case.stage, instructions=tuple(_restored(case)), work=_missed(facts)
        )
    begins = case is None and _starts(facts, debt, plan)
    if case is None and not begins:
        return Decision(facts, debt, None, work=_missed(facts))
    stage = case.stage if case else NO_STAGE
    advances = _advances(facts, debt, plan, stage)
    stage += advances
    entered = plan.stages[stage] if advances else None
    return Decision(
        facts,
        debt,
        status(debt, plan, stage),
        stage,
        begins=begins,
        advances=advances,
        approaches=tuple(_approaches(entered)) if entered else (),
        instructions=tuple(_instructions(facts, debt, plan, stage)),
        work=_missed(facts) + (tuple(_tasks(facts, entered)) if entered else ()),
    )


def status(debt: Standing, plan: Plan, stage: int) -> CaseStatus:
    """Suspended while what is frozen keeps conditional debt below the min_debt of the next stage (or of the last)."""
    threshold = plan.stages[min(stage + 1, len(plan.stages) - 1)].min_debt
    frozen = any(debt.frozen)
    return CaseStatus.SUSPENDED if frozen and debt.conditional < threshold else CaseStatus.OPEN


def restriction_day(facts: CaseFacts, plan: Plan) -> date | None:
    """The first day a coming stage can suspend a service, if each stage is entered as early as its days allow."""
    if facts.case is None:
        return None
    day = facts.case.stage_entered_on or facts.case.started_on
    for number in range(facts.case.stage + 1, len(plan.stages)):
        day += timedelta(days=max(plan.stages[number].after_days, 1))
        if any(isinstance(one, Order) and one.verb is Verb.SUSPEND_SERVICE for one in plan.stages[number].actions):
            return max(day, facts.today + timedelta(days=1))
    return None


def _starts(facts: CaseFacts, debt: Standing, plan: Plan) -> bool:
    aged = debt.aged(plan.after_days, facts.today)
    return aged > 0 and aged >= plan.min_debt and debt.real > plan.exit_debt


def _advances(facts: CaseFacts, debt: Standing, plan: Plan, stage: int) -> bool:
    following = stage + 1
    if following >= len(plan.stages):
        return False
    terms = plan.stages[following]
    return (
        _waited(facts, terms)
        and debt.conditional > 0
        and debt.conditional >= terms.min_debt
        and debt.days_past_due(facts.today) >= terms.days_past_due
        and len(debt.owed) >= terms.min_unpaid_invoices
    )


def _waited(facts: CaseFacts, terms: Stage) -> bool:
    if facts.case is None:
        return terms.after_days == 0
    if facts.case.stage_entered_on is None:
        return facts.today >= facts.case.started_on + timedelta(days=terms.after_days)
    since = (facts.today - facts.case.stage_entered_on).days
    return since >= max(terms.after_days, 1)


def _approaches(stage: Stage) -> Iterator[Approach]:
    for number, action in enumerate(stage.actions):
        if isinstance(action, Send):
            yield Approach(number, action.script, action.channels)


def _instructions(facts: CaseFacts, debt: Standing, plan: Plan, stage: int) -> Iterator[Instruction]:
    """Orders of this stage and the earlier ones, for accounts that have come to owe enough; each once per cycle."""
    ordered = facts.case.ordered if facts.case else frozenset()
    for number in range(stage + 1):
        for action in plan.stages[number].actions:
            if not isinstance(action, Order):
                continue
            for account in dict.fromkeys(item.account for item in debt.owed):
                fresh = (number, action.verb, account) not in ordered
                if fresh and debt.conditional_of(account) >= action.min_account_debt:
                    yield Instruction(number, action.verb, account)


def _restored(case: RunningCase) -> Iterator[Instruction]:
    suspended = {account for _, verb, account in case.ordered if verb is Verb.SUSPEND_SERVICE}
    return (Instruction(case.stage, Verb.RESTORE_SERVICE, account) for account in sorted(suspended))


def _tasks(facts: CaseFacts, stage: Stage) -> Iterator[Work]:
    cycle = facts.cycles + 1 if facts.case is None else facts.case.cycle
    for number, action in enumerate(stage.actions):
        if isinstance(action, GiveTask):
            source = f"stage:{facts.client}:{facts.plan}:{facts.currency}:{cycle}:{stage.name}:{number}"
            yield Work(action.kind, f"stage {stage.name}", source)


def _missed(facts: CaseFacts) -> tuple[Work, ...]:
    return tuple(Work(TaskKind.CALL, "missed installment", f"installment:{number}") for number in facts.missed)
