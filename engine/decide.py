"""The decision: one client, one plan, one day in; what to do out. Pure, and the only place where the rule lives.

The nightly run, the re-decision of one client, the dry run, the simulator and `amiable why` all call `decide`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from engine.debt import Standing, day_reached, delinquent_days, paused_until
from engine.decision import (
    NO_STAGE,
    Approach,
    CaseFacts,
    CaseStatus,
    Decision,
    Deferral,
    Ending,
    Instruction,
    RunningCase,
    Term,
    Unmet,
    Work,
)
from engine.plan import Advance, GiveTask, Order, Plan, Send, Stage, TaskKind, Verb


def decide(facts: CaseFacts, plan: Plan) -> Decision:
    """Decide for one client on their day `facts.today`. Pure."""
    debt, case = facts.debt, facts.case
    if case is None:
        if waits := _before_start(facts, debt, plan):
            return Decision(facts, debt, None, work=_missed(facts), unmet=waits)
    elif debt.own <= plan.exit_debt:
        return _closed(facts, debt, case)
    stage, unmet = _step(facts, debt, plan)
    return _decision(facts, debt, plan, stage, unmet)


def enter(facts: CaseFacts, plan: Plan, stage: int) -> Decision:
    """What follows when a person moves a running case to a stage, whatever its terms (B12)."""
    return _decision(facts, facts.debt, plan, stage, ())


def status(debt: Standing, plan: Plan, stage: int, deferrals: Sequence[Deferral] = ()) -> CaseStatus:
    """Suspended while what is frozen keeps conditional debt below what the next step needs.

    That is the min_debt of the next stage nobody skips, of the last one once it is entered, of the start in a
    strictest plan.
    """
    following = next(_ahead(plan, stage, deferrals), stage)
    threshold = plan.min_debt if plan.advance is Advance.STRICTEST else plan.stages[following].min_debt
    return CaseStatus.SUSPENDED if any(debt.frozen) and debt.conditional < threshold else CaseStatus.OPEN


def earliest_entry(facts: CaseFacts, plan: Plan, stage: int) -> date | None:
    """The first day after today on which the days of a coming stage have passed; its other terms may take longer."""
    if facts.case is None:
        return None
    day = facts.case.stage_entered_on or facts.case.started_on
    for number in _following(facts, plan):
        day = day_reached(day, max(plan.stages[number].after_days, 1), facts.pauses)
        if number == stage:
            break
    return max(day, facts.today + timedelta(days=1))


def coming_order(facts: CaseFacts, plan: Plan, verb: Verb) -> tuple[Order, date] | None:
    """The next such order of a coming stage, and the first day it can be given: if each stage is entered as early as
    its days allow.
    """
    for number in _following(facts, plan):
        order = plan.stages[number].order(verb)
        day = earliest_entry(facts, plan, number) if order else None
        if order and day:
            return order, day
    return None


def _before_start(facts: CaseFacts, debt: Standing, plan: Plan) -> tuple[Unmet, ...]:
    """What keeps a cycle from starting: a debt too young or too small, a case that is still to end or ended today."""
    if facts.finishing:
        return (Unmet(Term.FINISHING, name=facts.finishing),)
    if facts.worked_today:
        return (Unmet(Term.WORKED_TODAY, day=facts.today + timedelta(days=1)),)
    aged = debt.aged(plan.after_days, facts.today)
    if aged >= max(plan.min_debt, 1) and debt.own > plan.exit_debt:
        return ()
    days = (item.due + timedelta(days=plan.after_days) for item in debt.owed)
    coming = min((day for day in days if day > facts.today), default=None)
    return (Unmet(Term.START_DEBT, needs=max(plan.min_debt, plan.exit_debt + 1, 1), has=aged, day=coming),)


def _step(facts: CaseFacts, debt: Standing, plan: Plan) -> tuple[int, tuple[Unmet, ...]]:
    """The stage of today, and what keeps the case from the next one."""
    stage = facts.case.stage if facts.case else NO_STAGE
    if plan.advance is Advance.STRICTEST:
        return _strictest(facts, debt, plan, stage)
    following = next(_following(facts, plan), None)
    if following is None:
        return stage, (Unmet(Term.LAST_STAGE),)
    unmet = (*_waiting(facts, plan, following), *_terms(facts, debt, plan.stages[following], plan))
    return (stage, unmet) if unmet else (following, ())


def _strictest(facts: CaseFacts, debt: Standing, plan: Plan, stage: int) -> tuple[int, tuple[Unmet, ...]]:
    """The most severe stage whose terms hold. While the client is paused or a stage is held, none above is entered."""
    unmet: tuple[Unmet, ...] = ()
    for number in reversed([*_ahead(plan, NO_STAGE, _deferrals(facts))]):
        waits = (*_blocked(facts, plan, number),) if number > stage else ()
        if not (missing := (*waits, *_terms(facts, debt, plan.stages[number], plan, entering=number > stage))):
            return number, unmet
        unmet = missing
    return NO_STAGE, unmet


def _following(facts: CaseFacts, plan: Plan) -> Iterator[int]:
    """The stages still to come in a stepwise plan."""
    return _ahead(plan, facts.case.stage if facts.case else NO_STAGE, _deferrals(facts))


def _ahead(plan: Plan, stage: int, deferrals: Sequence[Deferral]) -> Iterator[int]:
    """The stages after one, without those a person has taken out."""
    stages = range(stage + 1, len(plan.stages))
    if not deferrals:
        return iter(stages)
    skipped = {one.stage for one in deferrals if one.until is None}
    return (number for number in stages if number not in skipped)


def _deferrals(facts: CaseFacts) -> tuple[Deferral, ...]:
    return facts.case.deferrals if facts.case else ()


def _waiting(facts: CaseFacts, plan: Plan, number: int) -> Iterator[Unmet]:
    """What a stepwise case waits for by the calendar: one stage a day, the days since the previous one."""
    since = facts.today
    if facts.case is not None:
        since = facts.case.stage_entered_on or facts.case.started_on
    day = day_reached(since, plan.stages[number].after_days, facts.pauses)
    if facts.last_entered_on is not None:
        day = max(day, facts.last_entered_on + timedelta(days=1))
    if day > facts.today:
        yield Unmet(Term.AFTER_DAYS, needs=plan.stages[number].after_days, day=day)
    yield from _blocked(facts, plan, number)


def _blocked(facts: CaseFacts, plan: Plan, number: int) -> Iterator[Unmet]:
    """What people have put in the way of any entry: a pause, a held step."""
    if (until := paused_until(facts.pauses, facts.today)) is not None:
        yield Unmet(Term.PAUSED, day=until)
    for one in _deferrals(facts):
        if one.stage == number and one.until is not None and one.until > facts.today:
            yield Unmet(Term.HELD, day=one.until, name=plan.stages[number].name)


def _terms(facts: CaseFacts, debt: Standing, terms: Stage, plan: Plan, *, entering: bool = True) -> Iterator[Unmet]:
    """The terms of a stage that do not hold. Those of a contact only matter where it would be made."""
    if debt.conditional < max(terms.min_debt, 1):
        yield Unmet(Term.MIN_DEBT, needs=max(terms.min_debt, 1), has=debt.conditional)
    days = delinquent_days(debt, facts.pauses, facts.today)
    if days < terms.days_past_due:
        due = debt.owed[0].due if debt.owed else facts.today
        day = day_reached(due, terms.days_past_due, facts.pauses)
        yield Unmet(Term.DAYS_PAST_DUE, needs=terms.days_past_due, day=day)
    if len(debt.owed) < terms.min_unpaid_invoices:
        yield Unmet(Term.UNPAID_INVOICES, needs=terms.min_unpaid_invoices, has=len(debt.owed))
    delivered = facts.case.delivered if facts.case else frozenset[int]()
    if terms.needs_delivered is not None and terms.needs_delivered not in delivered:
        yield Unmet(Term.DELIVERY, needs=terms.needs_delivered, name=plan.stages[terms.needs_delivered].name)
    if entering and facts.last_contact_on is not None and terms.speaks:
        free = facts.last_contact_on + timedelta(days=plan.min_days_between_contacts)
        if free > facts.today:
            yield Unmet(Term.CONTACT_GAP, needs=plan.min_days_between_contacts, day=free)


def applied(facts: CaseFacts, decision: Decision) -> CaseFacts:
    """The facts as they are once a decision that keeps a case running has been written."""
    return _worked(facts, decision)._replace(told=decision.key)


def _worked(facts: CaseFacts, decision: Decision) -> CaseFacts:
    before, today = facts.case, facts.today
    entered = before.entered if before else frozenset()
    case = RunningCase(
        id=before.id if before else 0,
        cycle=before.cycle if before else facts.cycles + 1,
        stage=decision.stage,
        started_on=before.started_on if before else today,
        stage_entered_on=today if decision.moves else before.stage_entered_on if before else None,
        told=decision.status or CaseStatus.OPEN,
        entered=entered | {decision.stage} if decision.enters else entered,
        ordered=(before.ordered if before else frozenset())
        | {(order.verb, order.account) for order in decision.instructions},
        delivered=before.delivered if before else frozenset(),
        deferrals=before.deferrals if before else (),
    )
    return facts._replace(
        cycles=case.cycle,
        case=case,
        missed=(),
        last_entered_on=today if decision.moves else facts.last_entered_on,
        last_contact_on=today if decision.approaches else facts.last_contact_on,
    )


def _decision(facts: CaseFacts, debt: Standing, plan: Plan, stage: int, unmet: tuple[Unmet, ...]) -> Decision:
    before = facts.case.stage if facts.case else NO_STAGE
    # Going down does nothing: a debt that shrinks is no cause for another notice.
    enters = stage > before and stage not in (facts.case.entered if facts.case else ())
    entered = plan.stages[stage] if enters else None
    # Once the last stage is worked a blinking cycle is over, whatever is still owed (A5).
    worked = plan.blinking and enters and stage == len(plan.stages) - 1
    decision = Decision(
        facts,
        debt,
        CaseStatus.CLOSED if worked else status(debt, plan, stage, _deferrals(facts)),
        stage,
        begins=facts.case is None,
        enters=enters,
        ending=Ending.WORKED if worked else None,
        approaches=tuple(_approaches(entered)) if entered else (),
        instructions=tuple(_instructions(facts, debt, plan, stage)),
        work=_missed(facts) + (tuple(_tasks(facts, entered)) if entered else ()),
        unmet=unmet,
    )
    if not decision.moves or worked:
        return decision
    return decision._replace(unmet=_step(_worked(facts, decision), debt, plan)[1])


def _closed(facts: CaseFacts, debt: Standing, case: RunningCase) -> Decision:
    return Decision(
        facts,
        debt,
        CaseStatus.CLOSED,
        case.stage,
        ending=Ending.PAID,
        instructions=tuple(_restored(facts, case)),
        work=_missed(facts),
    )


def _approaches(stage: Stage) -> Iterator[Approach]:
    for number, action in enumerate(stage.actions):
        if isinstance(action, Send):
            yield Approach(number, action.script, action.channels)


def _instructions(facts: CaseFacts, debt: Standing, plan: Plan, stage: int) -> Iterator[Instruction]:
    """Orders of the stages entered so far, for accounts that have come to owe enough; each account once per cycle.

    A pause holds them back: a client who was promised peace does not lose a service meanwhile.
    """
    entered = facts.case.entered if facts.case else frozenset[int]()
    orders = [
        (number, order) for number, order in plan.orders if number == stage or (number < stage and number in entered)
    ]
    if not orders or paused_until(facts.pauses, facts.today) is not None:
        return
    ordered = set(facts.case.ordered) if facts.case else set()
    ordered |= {(Verb.SUSPEND_SERVICE, account) for account in facts.suspended_elsewhere}
    for number, order in orders:
        for account in dict.fromkeys(item.account for item in debt.owed):
            if (order.verb, account) not in ordered and debt.conditional_of(account) >= order.min_account_debt:
                ordered.add((order.verb, account))
                yield Instruction(number, order.verb, account)


def _restored(facts: CaseFacts, case: RunningCase) -> Iterator[Instruction]:
    """Orders to restore what this case suspended, unless a stage has restored it or another case keeps it so."""
    suspended = {account for verb, account in case.ordered if verb is Verb.SUSPEND_SERVICE}
    restored = {account for verb, account in case.ordered if verb is Verb.RESTORE_SERVICE}
    return (
        Instruction(case.stage, Verb.RESTORE_SERVICE, account)
        for account in sorted(suspended - restored - facts.suspended_elsewhere)
    )


def _tasks(facts: CaseFacts, stage: Stage) -> Iterator[Work]:
    cycle = facts.cycles + 1 if facts.case is None else facts.case.cycle
    for number, action in enumerate(stage.actions):
        if isinstance(action, GiveTask):
            source = f"stage:{facts.client}:{facts.plan}:{facts.currency}:{cycle}:{stage.name}:{number}"
            yield Work(action.kind, f"stage {stage.name}", source)


def _missed(facts: CaseFacts) -> tuple[Work, ...]:
    return tuple(Work(TaskKind.CALL, "missed installment", f"installment:{number}") for number in facts.missed)
