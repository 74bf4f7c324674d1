"""Decisions as the log keeps them: what was said and from what, as plain JSON. Pure; sums are minor units.

Names go in as plain texts (`value`): to write one as JSON takes a tenth of what a member of an enumeration takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.decision import CaseFacts, Decision, Term, Unmet

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def said(decision: Decision) -> dict[str, Json]:
    """What a decision came to, and what a further step waits for."""
    return {
        "status": decision.status and decision.status.value,
        "stage": decision.stage,
        "begins": decision.begins,
        "enters": decision.enters,
        "ending": decision.ending and decision.ending.value,
        "real_debt": decision.standing.real,
        "conditional_debt": decision.standing.conditional,
        "contacts": [
            {"script": one.script, "channels": [channel.value for channel in one.channels]}
            for one in decision.approaches
        ],
        "orders": [{"verb": one.verb.value, "account": one.account} for one in decision.instructions],
        "tasks": [{"kind": one.kind.value, "reason": one.reason} for one in decision.work],
        "unmet": [
            {"term": one.term.value, "needs": one.needs, "has": one.has, "day": _day(one.day), "name": one.name}
            for one in decision.unmet
        ],
    }


def inputs(decision: Decision) -> dict[str, Json]:
    """The facts a decision was made from. `owed` tells what holds freeze of each invoice under work."""
    facts, debt = decision.facts, decision.standing
    return {
        "owed": [
            {
                "invoice": item.invoice,
                "account": item.account,
                "due": _day(item.due),
                "balance": item.balance,
                "frozen": part,
            }
            for item, part in zip(debt.owed, debt.frozen, strict=True)
        ],
        "left_alone": debt.earlier,
        "holds": [
            {
                "kind": hold.kind.value,
                "amount": hold.amount,
                "invoice": hold.invoice,
                "account": hold.account,
                "until": _day(hold.until),
            }
            for hold in debt.held
        ],
        "pauses": [[_day(one.starts), _day(one.ends)] for one in facts.pauses],
        "case": _case(facts),
        "cycles": facts.cycles,
    }


@dataclass(frozen=True, slots=True)
class Recorded:
    """The part of a line of the log that answers why: what was waited for, or what was done."""

    status: str | None
    stage: int
    begins: bool
    enters: bool
    ending: str | None
    real: int
    conditional: int
    unmet: tuple[Unmet, ...]


def recorded(says: Mapping[str, Any]) -> Recorded:
    """Read back what `said` wrote."""
    return Recorded(
        status=says["status"],
        stage=says["stage"],
        begins=says["begins"],
        enters=says["enters"],
        ending=says["ending"],
        real=says["real_debt"],
        conditional=says["conditional_debt"],
        unmet=tuple(
            Unmet(
                Term(one["term"]),
                one["needs"],
                one["has"],
                date.fromisoformat(one["day"]) if one["day"] else None,
                one["name"],
            )
            for one in says["unmet"]
        ),
    )


def _case(facts: CaseFacts) -> Json:
    case = facts.case
    if case is None:
        return None
    return {
        "cycle": case.cycle,
        "stage": case.stage,
        "started_on": _day(case.started_on),
        "stage_entered_on": _day(case.stage_entered_on),
        "deferrals": [[one.stage, _day(one.until)] for one in case.deferrals],
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
