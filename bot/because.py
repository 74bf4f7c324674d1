"""Why a decision went as it did, in English sentences that a collections manager reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from engine.debt import HoldKind
from engine.decision import NO_STAGE, CaseStatus, Ending, Term, Unmet
from engine.explaining.logbook import Freeze, Line
from engine.explaining.why import Restraint, Why, Work
from engine.money import Money
from engine.plan import Advance, Stage

HOLDS = {
    HoldKind.DISPUTE: "dispute",
    HoldKind.UNCONFIRMED: "payment not confirmed yet",
    HoldKind.PROMISE: "promise to pay",
    HoldKind.INSTALLMENT: "installments not yet due",
    HoldKind.EXEMPTION: "held out by a person",
    HoldKind.AMNESTY: "to be cancelled by an amnesty",
}


def shown(day: date) -> str:
    """A day as 12 Aug 2025."""
    return f"{day.day} {day:%b %Y}"


def frozen(one: Freeze, currency: str) -> str:
    """One frozen part with its reason: 140.00 USD: dispute over I3 (wrong tariff)."""
    return f"{Money(one.amount, currency)}: {_ground(one)}"


def outcome(line: Line) -> str:
    """What a decision came to, in a sentence, with what it rests on where the case moved."""
    says, here = line.says, _name(line, line.says.stage)
    if says.ending == Ending.PAID:
        return f"The case closed: real debt came down to {_sum(says.real, line)}, and the plan ends work at " + (
            f"{_sum(line.plan.exit_debt, line)}." if line.plan.exit_debt else "nothing owed."
        )
    if says.status is None:
        return "No case ran and none began."
    told = ["A case began."] if says.begins else []
    if line.moved and says.stage != line.came_from:
        told.append(f"The case was moved to stage {here} by {line.moved[0]}: {line.moved[1]}.")
    elif says.enters:
        told.append(f"Stage {here} was entered: {'; '.join(_held(line, line.plan.stages[says.stage]))}.")
    elif says.stage != line.came_from:
        back = f"Back to stage {here}" if says.stage != NO_STAGE else "No stage holds any more"
        told.append(f"{back}: conditional debt was {_sum(says.conditional, line)}.")
    if says.ending == Ending.WORKED:
        told.append("It was the last stage of a blinking plan, so the case ended, whatever is still owed.")
    elif says.status == CaseStatus.SUSPENDED:
        told.append(f"The case is suspended: only {_sum(says.conditional, line)} may be collected now.")
    return " ".join(told) or f"The case stays open in {here}."


def waits(line: Line, restraints: Sequence[Restraint] = ()) -> list[str]:
    """Every term that did not hold, in a sentence with its figures and the day from which it holds."""
    return [_wait(one, line, restraints) for one in line.says.unmet]


def silence(answer: Why) -> Iterator[str]:
    """What explains a day of which the log says nothing, beside the terms of a plan."""
    day = shown(answer.day)
    if answer.known_since is None or answer.day < answer.known_since:
        since = f"the first trace is of {shown(answer.known_since)}" if answer.known_since else "there is no trace yet"
        yield f"Nothing was known of {answer.client} on {day}: {since}."
        return
    if not answer.works:
        yield "No plan applies: the client's group has no standard plan in force, and the client names none that is."
    if not answer.due:
        yield f"Nothing was due at the end of {day}."
    if not answer.ran:
        yield f"No daily decision run is on record for {day}; only events about the debt were decided on, at once."


def of_plan(work: Work, answer: Why) -> Iterator[str]:
    """Why the latest line of a plan says what it says, or why there is none."""
    line = work.line
    if line is None:
        yield "Nothing had been decided on this plan by then."
        return
    before = line.day < answer.day
    due = [sum_ for sum_ in answer.due if sum_.currency == line.currency]
    if before:
        yield f"Nothing new was decided on {shown(answer.day)}; the last word is of {shown(line.day)}."
    if line.says.real and not due and line.says.status is None:
        yield "What was owed then has been paid since, so nobody was to be contacted."
    elif due and line.says.status is None and not line.says.real:
        yield f"The plan includes none of what was due, {', '.join(map(str, due))}."
    elif before and line.says.ending:
        yield f"The case had closed on {shown(line.day)}, and no new one had begun."
    else:
        yield _stands(line) if before else outcome(line)
        yield from waits(line, answer.restraints)


def _stands(line: Line) -> str:
    """How a case stood on a day that changed nothing."""
    if line.says.status is None:
        return "No case ran and none began."
    if line.says.status == CaseStatus.SUSPENDED:
        return f"The case stayed suspended in {_name(line, line.says.stage)}: it had only " + (
            f"{_sum(line.says.conditional, line)} to collect."
        )
    return f"The case stayed in {_name(line, line.says.stage)}."


def _held(line: Line, stage: Stage) -> Iterator[str]:
    """The terms of a stage that was entered, as they held."""
    says = line.says
    yield f"conditional debt {_sum(says.conditional, line)} reaches the {_sum(max(stage.min_debt, 1), line)} it needs"
    if line.plan.advance is Advance.STEPWISE and stage.after_days:
        since = f"{_name(line, line.came_from)} was entered" if line.came_from != NO_STAGE else "the cycle began"
        yield f"{_days(stage.after_days)} have passed since {since}"
    if stage.days_past_due:
        yield f"the oldest bill is at least {_days(stage.days_past_due)} past due"
    if stage.min_unpaid_invoices:
        yield f"{len(line.bills)} invoices are unpaid, and {stage.min_unpaid_invoices} are needed"
    if stage.needs_delivered is not None:
        yield f"the message of {_name(line, stage.needs_delivered)} was delivered"


def _wait(one: Unmet, line: Line, restraints: Sequence[Restraint]) -> str:
    if one.term is Term.PAUSED:
        return f"Paused until {_day(one)}{_by(restraints, None)}."
    if one.term is Term.HELD:
        return f"Stage {one.name} is held back until {_day(one)}{_by(restraints, one.name)}."
    return SENTENCES[one.term](one, line, _name(line, line.following) if line.following is not None else "")


def _before_start(one: Unmet, line: Line, _: str) -> str:
    age = f" of bills at least {_days(line.plan.after_days)} past due" if line.plan.after_days else ""
    told = f"No case begins: conditional debt{age} is {_sum(one.has, line)}, below the {_sum(one.needs, line)} needed"
    return f"{told}{_frozen(line)}." + (f" More bills reach that age on {_day(one)}." if one.day else "")


def _after_days(one: Unmet, line: Line, following: str) -> str:
    if line.stage_since is not None:
        since = f"{_name(line, line.says.stage)} was entered on {shown(line.stage_since)}"
    else:
        since = f"the cycle began on {shown(line.started_on or line.day)}"
    told = f"{_days(one.needs)} after {since}" if one.needs else f"a case enters at most one stage a day, and {since}"
    return f"The next stage, {following}, waits until {_day(one)}: {told}."


def _min_debt(one: Unmet, line: Line, following: str) -> str:
    told = f"Conditional debt {_sum(one.has, line)} is below the {_sum(one.needs, line)} that {following} needs"
    return f"{told}{_frozen(line)}."


def _last_stage(_: Unmet, line: Line, __: str) -> str:
    if line.says.stage == NO_STAGE:
        return "A person has taken out every stage of the plan: nothing follows by itself."
    return f"{_name(line, line.says.stage)} is the last stage of the plan: nothing follows by itself."


def _finishing(one: Unmet, _: Line, __: str) -> str:
    return f"The client has left the plan {one.name}, and its case has to end before one on this plan begins."


def _worked_today(one: Unmet, _: Line, __: str) -> str:
    return f"The cycle was worked to its end, and its debts are left alone: another may begin from {_day(one)}."


def _days_past_due(one: Unmet, _: Line, following: str) -> str:
    return f"{following} waits until {_day(one)}, when the oldest bill is {_days(one.needs)} past due."


def _unpaid_invoices(one: Unmet, _: Line, following: str) -> str:
    return f"{following} needs {one.needs} unpaid invoices, and {one.has} {'is' if one.has == 1 else 'are'} there."


def _delivery(one: Unmet, _: Line, following: str) -> str:
    return f"{following} needs the message of {one.name} to be delivered, and it was not."


def _contact_gap(one: Unmet, _: Line, following: str) -> str:
    return f"{following} waits until {_day(one)}: the plan leaves {_days(one.needs)} between contacts."


SENTENCES: Mapping[Term, Callable[[Unmet, Line, str], str]] = {
    Term.START_DEBT: _before_start,
    Term.FINISHING: _finishing,
    Term.WORKED_TODAY: _worked_today,
    Term.LAST_STAGE: _last_stage,
    Term.AFTER_DAYS: _after_days,
    Term.MIN_DEBT: _min_debt,
    Term.DAYS_PAST_DUE: _days_past_due,
    Term.UNPAID_INVOICES: _unpaid_invoices,
    Term.DELIVERY: _delivery,
    Term.CONTACT_GAP: _contact_gap,
}
"""The sentence of each term that no person has set, of the term, the line and the name of the stage it keeps away."""


def _frozen(line: Line) -> str:
    if not line.freezes:
        return ""
    total = _sum(sum(one.amount for one in line.freezes), line)
    if len(line.freezes) == 1:
        return f"; {total} is frozen: {_ground(line.freezes[0])}"
    return f"; {total} is frozen ({'; '.join(frozen(one, line.currency) for one in line.freezes)})"


def _ground(one: Freeze) -> str:
    told = HOLDS[one.kind]
    told += f" over {one.invoice}" if one.invoice else f" on account {one.account}" if one.account else ""
    told += f" until {shown(one.until)}" if one.until else ""
    words = ", ".join(filter(None, (one.reason, f"by {one.by}" if one.by else "")))
    return f"{told} ({words})" if words else told


def _by(restraints: Sequence[Restraint], stage: str | None) -> str:
    """Why and by whom, where that is known: a restraint that has ended since is not told."""
    found = "; ".join(f"{one.reason}, by {one.by}" for one in restraints if one.stage == stage)
    return f": {found}" if found else ""


def _name(line: Line, stage: int) -> str:
    return line.plan.stages[stage].name if stage != NO_STAGE else "no stage"


def _sum(minor: int, line: Line) -> Money:
    return Money(minor, line.currency)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _day(one: Unmet) -> str:
    return shown(one.day) if one.day else "further notice"
