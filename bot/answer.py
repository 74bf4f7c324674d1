"""The answer to why, and a rehearsed run, as text for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from bot.because import frozen, of_plan, outcome, shown, silence, waits
from bot.traced import BY_PEOPLE, act, fate, given, ordered
from engine.decision import NO_STAGE
from engine.explaining.logbook import Line
from engine.explaining.rehearsal import Rehearsal
from engine.explaining.why import Restraint, Why, Work
from engine.money import Money


def as_text(answer: Why) -> Iterator[str]:
    """The lines to print."""
    zone, day = ZoneInfo(answer.zone), answer.traces
    yield f"{answer.client} on {shown(answer.day)} ({answer.zone})"
    yield from (f"  {sentence}" for sentence in silence(answer))
    for work in answer.works:
        yield from _plan(work, answer, zone)
    yield from _section("Contacts", [fate(one, day, zone) for one in day.contacts], "none that day")
    yield from _section("Orders", [ordered(one, zone) for one in day.orders])
    yield from _section("Tasks", [given(one, zone) for one in day.tasks])
    yield from _section("In force by people", [_restraint(one) for one in answer.restraints])
    yield from _section("Done by people", [act(one) for one in day.acts if one.kind in BY_PEOPLE])
    yield from _section("Also that day", [act(one) for one in day.acts if one.kind not in BY_PEOPLE])


def as_json(answer: Why) -> dict[str, Any]:
    """The same, for programs: sums are decimal strings, moments ISO 8601 in UTC."""
    zone, day = ZoneInfo(answer.zone), answer.traces
    return {
        "client": answer.client,
        "day": answer.day.isoformat(),
        "zone": answer.zone,
        "known_since": answer.known_since.isoformat() if answer.known_since else None,
        "run_done": answer.ran,
        "due": [{"amount": str(one.major), "currency": one.currency} for one in answer.due],
        "why": list(silence(answer)),
        "plans": [_plan_json(work, answer) for work in answer.works],
        "contacts": [
            {
                "plan": one.plan,
                "occasion": one.occasion,
                "stage": one.stage,
                "script": one.script,
                "channels": list(one.channels),
                "state": one.state,
                "sendings": [
                    {"channel": sent.channel, "state": sent.state, "reason": sent.reason} for sent in one.sendings
                ],
                "says": fate(one, day, zone),
            }
            for one in day.contacts
        ],
        "orders": [{"verb": one.verb, "account": one.account, "outcome": one.outcome} for one in day.orders],
        "tasks": [{"kind": one.kind, "reason": one.reason} for one in day.tasks],
        "restraints": [
            {"stage": one.stage, "until": _iso(one.until), "reason": one.reason, "by": one.by}
            for one in answer.restraints
        ],
        "acts": [
            {"at": one.at.isoformat(), "kind": one.kind, "by_people": one.kind in BY_PEOPLE, "says": act(one)}
            for one in day.acts
        ],
    }


def rehearsal_text(rehearsal: Rehearsal) -> Iterator[str]:
    """What a run would do, client by client."""
    for one in rehearsal.decisions:
        line = one.line
        real, conditional = Money(line.says.real, line.currency), Money(line.says.conditional, line.currency)
        yield f"{one.client}, plan {line.plan.name}: real debt {real}, conditional debt {conditional}"
        yield f"  {outcome(line)}"
        yield from (f"  {told}" for told in _follows(line))
        yield from (f"  {sentence}" for sentence in waits(line))
    for courtesy in rehearsal.courtesies:
        yield f"{courtesy.client}, plan {courtesy.plan}: courtesy"
        yield f"  contact: {courtesy.script} by {', then '.join(courtesy.channels)}"


def rehearsal_json(rehearsal: Rehearsal) -> Iterator[dict[str, Any]]:
    """The same, one object each."""
    for one in rehearsal.decisions:
        yield {"client": one.client, "plan": one.line.plan.name, **_line_json(one.line, ())}
    for courtesy in rehearsal.courtesies:
        contact = {"script": courtesy.script, "channels": list(courtesy.channels)}
        yield {"client": courtesy.client, "plan": courtesy.plan, "courtesy": courtesy.occasion, "contacts": [contact]}


def _plan(work: Work, answer: Why, zone: ZoneInfo) -> Iterator[str]:
    line = work.line
    yield ""
    yield f"Plan {work.plan}" + (f" ({line.currency})" if line else "")
    if line is not None:
        yield from _standing(line)
    if work.lines:
        yield "  Decided that day:"
        for one in work.lines:
            yield f"    {one.at.astimezone(zone):%H:%M} {outcome(one)}" if one.at else f"    {outcome(one)}"
    yield "  Why:"
    yield from (f"    {sentence}" for sentence in of_plan(work, answer))
    if work.preview is not None:
        yield "  Preview: if a decision were taken now, it would say something else than the log:"
        yield from (f"  {told}" for told in _standing(work.preview))
        yield f"    {outcome(work.preview)}"
        yield from (f"    {told}" for told in _follows(work.preview))
        yield from (f"    {sentence}" for sentence in waits(work.preview, answer.restraints))


def _standing(line: Line) -> Iterator[str]:
    """The two debts, what is behind them, and the case."""
    real, conditional = Money(line.says.real, line.currency), Money(line.says.conditional, line.currency)
    yield f"  Real debt {real}, conditional debt {conditional}"
    for bill in line.bills:
        part = f", {Money(bill.frozen, line.currency)} of it frozen" if bill.frozen else ""
        balance = Money(bill.balance, line.currency)
        yield f"    {bill.ref} on {bill.account}, due {shown(bill.due)}: {balance}{part}"
    yield from (f"    frozen {frozen(one, line.currency)}" for one in line.freezes)
    if line.left_alone:
        yield f"    {Money(line.left_alone, line.currency)} was worked in an earlier cycle and is left alone"
    yield f"  Case: {_case(line)}"


def _case(line: Line) -> str:
    if line.says.status is None:
        return "none"
    stage = line.plan.stages[line.says.stage].name if line.says.stage != NO_STAGE else "none"
    since = f" since {shown(line.stage_since)}" if line.stage_since and stage != "none" else ""
    begun = f", begun {shown(line.started_on)}" if line.started_on else ""
    number = f"cycle {line.cycle}" if line.cycle else "a new cycle"
    return f"{number}{begun}, {line.says.status}, stage {stage}{since}"


def _follows(line: Line) -> Iterator[str]:
    """What a decision plans, orders and gives to people."""
    for contact in line.contacts:
        yield f"contact: {contact['script']} by {', then '.join(contact['channels'])}"
    for verb, account in line.orders:
        yield f"order: {verb.replace('_', ' ')} on {account}"
    for task in line.tasks:
        yield f"task: {task['kind']} ({task['reason']})"


def _restraint(one: Restraint) -> str:
    if one.stage is None:
        what = "paused"
    else:
        what = f"stage {one.stage} held back" if one.until else f"stage {one.stage} taken out of the case"
    return f"{what}{f' until {shown(one.until)}' if one.until else ''}: {one.reason}, by {one.by}"


def _section(title: str, lines: Sequence[str], nothing: str = "") -> Iterator[str]:
    if lines or nothing:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines or (nothing,))


def _plan_json(work: Work, answer: Why) -> dict[str, Any]:
    return {
        "plan": work.plan,
        "latest": _line_json(work.line, answer.restraints) if work.line else None,
        "decided": [_line_json(line, answer.restraints) for line in work.lines],
        "why": list(of_plan(work, answer)),
        "preview": _line_json(work.preview, answer.restraints) if work.preview else None,
    }


def _debts_json(line: Line) -> dict[str, Any]:
    def major(minor: int) -> str:
        return str(Money(minor, line.currency).major)

    return {
        "real_debt": major(line.says.real),
        "conditional_debt": major(line.says.conditional),
        "bills": [
            {
                "invoice": one.ref,
                "account": one.account,
                "due": one.due.isoformat(),
                "balance": major(one.balance),
                "frozen": major(one.frozen),
            }
            for one in line.bills
        ],
        "frozen": [
            {
                "kind": one.kind,
                "amount": major(one.amount),
                "invoice": one.invoice,
                "account": one.account,
                "until": _iso(one.until),
                "reason": one.reason,
                "by": one.by,
            }
            for one in line.freezes
        ],
    }


def _line_json(line: Line, restraints: Sequence[Restraint]) -> dict[str, Any]:
    def stage(number: int) -> str | None:
        return line.plan.stages[number].name if number != NO_STAGE else None

    return {
        "at": line.at.isoformat() if line.at else None,
        "day": line.day.isoformat(),
        "currency": line.currency,
        "case": line.says.status,
        "cycle": line.cycle,
        "stage": stage(line.says.stage),
        "from_stage": stage(line.came_from),
        "stage_since": _iso(line.stage_since),
        "ending": line.says.ending,
        **_debts_json(line),
        "contacts": list(line.contacts),
        "orders": [{"verb": verb, "account": account} for verb, account in line.orders],
        "tasks": list(line.tasks),
        "says": outcome(line),
        "waits": [
            {"term": one.term, "day": _iso(one.day), "says": sentence}
            for one, sentence in zip(line.says.unmet, waits(line, restraints), strict=True)
        ],
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
