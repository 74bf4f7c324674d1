"""What in a plan cannot work, or does not do what it seems to: each finding with its place and its remedy. Pure.

`engine.plan_file` refuses what is no plan at all; these plans can be read, but some of their terms can never hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.document import DocumentError, Node
from engine.installment import Answer, InstallmentPolicy, granted
from engine.plan import Advance, Order, Plan, Send, Stage, Verb
from engine.plan_file import PLAN_KEYS, STAGE_KEYS

FEWEST_PARTS = 2
MUCH = 10**12
"""Minor units no client owes, for what is impossible however much is owed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem; a `warning` may be meant."""

    error: DocumentError
    warning: bool = False

    def __str__(self) -> str:
        if not self.warning:
            return str(self.error)
        return str(DocumentError(self.error.file, self.error.line, f"warning: {self.error.message}"))


def findings(plan: Plan, node: Node) -> Iterator[Finding]:
    """Every finding about one plan; `node` is what it was read from."""
    read = _Read(plan, node.mapping((), PLAN_KEYS))
    for problem in (_sums, _ages, _deliveries, _strictest, _orders, _agreements):
        yield from problem(read)


def without_standard(groups: Node, plans: Iterable[Plan]) -> Iterator[Finding]:
    """A warning for each group in which a client who names no plan would not be worked at all."""
    standard = {plan.group for plan in plans if plan.standard}
    for group in groups.items():
        if group.text() not in standard:
            said = (
                f"the group '{group.text()}' has no standard plan, so nothing is done about its clients who name none"
            )
            yield Finding(group.wrong(f"{said}; write standard: true in one of its plans"), warning=True)


def silent_restrictions(plan: Plan, node: Node, scripts: Collection[str]) -> Iterator[Finding]:
    """A send of a script that always names the day a service is limited, in a plan where no later stage limits one."""
    for number, script, place in _sent(plan, node):
        if script in scripts and not _gives(plan.stages[number + 1 :], Verb.SUSPEND_SERVICE):
            said = f"the script '{script}' names the day service is limited from, and no later stage limits it"
            yield Finding(place.wrong(f"{said}; send another script, or suspend_service later"))


def silent_stages(plan: Plan, node: Node, remedies: Mapping[str, str]) -> Iterator[Finding]:
    """A warning for each send of a script that has something to say to some clients only.

    `remedies` are the keys of a plan, by script, under which it goes to just those.
    """
    for number, script, place in _sent(plan, node):
        if script in remedies:
            said = (
                f"the script '{script}' is not about the debt as a whole: where a client has nothing of what it is "
                f"about, stage {plan.stages[number].name} is entered and sends nothing"
            )
            remedy = f"send another script here, and this one by {remedies[script]}"
            yield Finding(place.wrong(f"{said}; {remedy}"), warning=True)


def empty_offers(plan: Plan, node: Node, matters: Mapping[str, str]) -> Iterator[Finding]:
    """A send of a script about what the plan does not offer, or about an agency that nothing goes to after it.

    `matters` says by script what it is about; what is no offer of a plan's is left alone.
    """
    courtesies = node.mapping((), PLAN_KEYS)["courtesy"].items() if plan.courtesies else ()
    early = ((-1, one.send.script, place) for one, place in zip(plan.courtesies, courtesies, strict=True))
    for number, script, place in (*_sent(plan, node), *early):
        if lacking := _lacking(plan, number, matters.get(script, "")):
            yield Finding(place.wrong(f"the script '{script}' is sent to nobody: {lacking}, or send another script"))


def _sent(plan: Plan, node: Node) -> Iterator[tuple[int, str, Node]]:
    """The scripts that stages send, each with the number of its stage and its place."""
    read = _Read(plan, node.mapping((), PLAN_KEYS))
    for number, stage in enumerate(plan.stages):
        for at, action in enumerate(stage.actions):
            if isinstance(action, Send):
                yield number, action.script, read.action(number, at)


def _lacking(plan: Plan, stage: int, matter: str) -> str:
    """What a plan must have for a stage to speak of a matter, and has not; empty where nothing is missing."""
    refers = _gives(plan.stages[stage + 1 :], Verb.REFER_AGENCY)
    match matter:
        case "amnesty" if plan.offers.amnesty is None:
            return "the plan offers no amnesty; write offers: {amnesty: {pay: PERCENT, within: DAYS}}"
        case "prepayment" if plan.offers.prepayment is None:
            terms = "{months: N, free: N, price: SUM, within: DAYS}"
            return f"the plan offers no months ahead; write offers: {{prepayment: {terms}}}"
        case "agency" if not plan.agency:
            return "the plan names no collection agency; write agency: NAME"
        case "agency" if not refers:
            return "no later stage refers anything to the agency; give one {do: refer_agency}"
    return ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A plan beside the keys it was read from."""

    plan: Plan
    keys: dict[str, Node]

    def stage(self, number: int) -> Node:
        return self.keys["stages"].items()[number]

    def term(self, number: int, key: str) -> Node | None:
        return self.stage(number).mapping((), STAGE_KEYS).get(key)

    def action(self, number: int, at: int) -> Node:
        return self.stage(number).mapping((), STAGE_KEYS)["actions"].items()[at]


def _sums(read: _Read) -> Iterator[Finding]:
    """Sums at or below the one at which a case ends decide nothing: it would close as it starts."""
    plan = read.plan
    if not plan.exit_debt:
        return
    ends = f"a case ends at {read.keys['exit_debt'].text()} already (exit_debt)"
    start = read.keys["start"].mapping(("after_days", "min_debt"))["min_debt"]
    if plan.min_debt <= plan.exit_debt:
        yield Finding(
            start.wrong(f"work starts at {start.text()}, and {ends}; raise min_debt above it, or lower exit_debt")
        )
    for number, stage in enumerate(plan.stages):
        term = read.term(number, "min_debt")
        if term is not None and stage.min_debt <= plan.exit_debt:
            said = f"stage {stage.name} asks for {term.text()}, and {ends}, so that this term never decides"
            yield Finding(term.wrong(f"{said}; raise min_debt above exit_debt, or leave it out"))


def _ages(read: _Read) -> Iterator[Finding]:
    """No bill is both young enough to be included and old enough for a term."""
    plan, oldest = read.plan, read.plan.include.max_age
    if oldest is None:
        return
    only = f"bills count only until they are {oldest} days past due (include.max_age)"
    remedy = "raise max_age, or ask for fewer days"
    if plan.after_days > oldest:
        place = read.keys["start"].mapping(("after_days", "min_debt"))["after_days"]
        yield Finding(place.wrong(f"work can never start: it waits {plan.after_days} days, and {only}; {remedy}"))
        return
    day = plan.after_days
    for number, stage in enumerate(plan.stages):
        term = read.term(number, "days_past_due")
        day += stage.after_days if number == 0 else max(stage.after_days, 1)
        if term is not None and stage.days_past_due > oldest:
            said = f"stage {stage.name} can never be entered: it needs {stage.days_past_due} days past due, and {only}"
            yield Finding(term.wrong(f"{said}; {remedy}"))
        elif plan.advance is Advance.STEPWISE and day > oldest:
            said = f"stage {stage.name} comes {day} days past due at the earliest, and {only}"
            yield Finding(
                read.stage(number).wrong(f"{said}: without a newer bill the case has closed by then; {remedy}"),
                warning=True,
            )


def _deliveries(read: _Read) -> Iterator[Finding]:
    """A stage that sends nothing has no message to be delivered."""
    for number, stage in enumerate(read.plan.stages):
        term = read.term(number, "needs_delivered")
        if stage.needs_delivered is not None and term and not read.plan.stages[stage.needs_delivered].speaks:
            said = f"stage {stage.name} can never be entered: stage {term.text()} sends nothing that could be delivered"
            yield Finding(term.wrong(f"{said}; name a stage that sends, or leave needs_delivered out"))


def _strictest(read: _Read) -> Iterator[Finding]:
    """Of a strictest plan the most severe stage wins: one whose terms are weaker hides those before it."""
    plan = read.plan
    if plan.advance is not Advance.STRICTEST:
        return
    for number, stage in enumerate(plan.stages):
        hides = next((later for later in plan.stages[number + 1 :] if _weaker(later, stage, plan)), None)
        if hides is not None:
            said = f"stage {stage.name} can never be entered: whenever its terms hold, those of {hides.name} hold too"
            place = read.term(number, "min_debt") or read.stage(number)
            yield Finding(
                place.wrong(f"{said}, which is more severe; give {hides.name} a higher min_debt, or swap them")
            )


def _weaker(later: Stage, earlier: Stage, plan: Plan) -> bool:
    """Whether the terms of `later` hold whenever those of `earlier` do."""
    needed = later.needs_delivered is None or later.needs_delivered == earlier.needs_delivered
    free = not plan.min_days_between_contacts or not later.speaks or earlier.speaks
    return (
        max(later.min_debt, 1) <= max(earlier.min_debt, 1)
        and later.days_past_due <= earlier.days_past_due
        and later.min_unpaid_invoices <= earlier.min_unpaid_invoices
        and needed
        and free
    )


def _orders(read: _Read) -> Iterator[Finding]:
    """Orders that nobody undoes, that undo nothing, or that were given already."""
    plan = read.plan
    given: dict[Verb, tuple[str, int]] = {}
    for number, stage in enumerate(plan.stages):
        for at, action in enumerate(stage.actions):
            if not isinstance(action, Order):
                continue
            before = given.get(action.verb)
            if before and plan.advance is Advance.STEPWISE and action.min_account_debt >= before[1]:
                said = f"{action.verb} was ordered in stage {before[0]} for every account that reaches this one's sum"
                remedy = "an account gets an order once in a cycle; leave one of the two out"
                yield Finding(read.action(number, at).wrong(f"{said}; {remedy}"))
            if action.verb is Verb.RESTORE_SERVICE and Verb.SUSPEND_SERVICE not in given:
                said = "restore_service comes before anything was suspended"
                yield Finding(read.action(number, at).wrong(f"{said}; leave it out, or suspend_service before it"))
            given.setdefault(action.verb, (stage.name, action.min_account_debt))
            lasts = plan.blinking and not _gives(plan.stages, Verb.RESTORE_SERVICE)
            if lasts and action.verb is Verb.SUSPEND_SERVICE:
                said = "a blinking plan ends after its last stage with the debt unpaid, and nobody restores the service"
                remedy = "write blinking: false, or give the restoring to a person by a task"
                yield Finding(read.action(number, at).wrong(f"{said}; {remedy}"), warning=_tasked(plan))


def _gives(stages: Iterable[Stage], verb: Verb) -> bool:
    return any(stage.order(verb) for stage in stages)


def _tasked(plan: Plan) -> bool:
    return any(not isinstance(one, Order | Send) for one in plan.stages[-1].actions)


def _agreements(read: _Read) -> Iterator[Finding]:
    """Promises, installments and courtesies whose terms contradict one another."""
    plan, keys = read.plan, read.keys
    if plan.follow_up.asked and not plan.follow_up_channels:
        said = "follow_up has no channel to go by: none is named here, and no stage sends anything"
        yield Finding(keys["follow_up"].wrong(f"{said}; write by: [CHANNEL, ...]"))
    if plan.installments is not None:
        yield from _parts(plan.installments, plan, keys["installments"])


def _parts(policy: InstallmentPolicy, plan: Plan, node: Node) -> Iterator[Finding]:
    keys = node.mapping((), node.value if isinstance(node.value, dict) else ())
    counts = range(FEWEST_PARTS, policy.most_parts + 1)
    if policy.most_parts < FEWEST_PARTS:
        yield Finding(
            keys["most_parts"].wrong("one payment is no installment plan, so nothing is ever granted; give at least 2")
        )
    elif granted(MUCH, FEWEST_PARTS, policy).answer is Answer.REFUSED:
        said = "the first part would be the whole debt, so nothing is ever granted"
        yield Finding(keys.get("first_share", node).wrong(f"{said}; lower first_share"))
    elif granted(max(plan.min_debt, 1), policy.most_parts, policy).answer is Answer.REFUSED:
        least = max(plan.min_debt, 1)
        most = max((parts for parts in counts if granted(least, parts, policy).answer is not Answer.REFUSED), default=0)
        can = f"only {most}" if most else "none"
        said = f"at the debt from which this plan works, {can} of the {policy.most_parts} parts can be granted"
        remedy = "lower least_part or most_parts, unless larger debts are meant"
        yield Finding(
            keys.get("least_part", node).wrong(f"{said}, as the parts would be too small; {remedy}"), warning=True
        )
