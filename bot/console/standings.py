"""How clients stand now, for lists: what they owe, what of it can be collected, and where their case is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.decide import status
from engine.decision import NO_STAGE, CaseStatus
from engine.money import Money
from engine.store.facts import facts_of
from engine.store.session import ReadSession


@dataclass(frozen=True, slots=True)
class Standing:
    """One client in the currency in which they owe most units."""

    real: Money
    conditional: Money
    days_past_due: int
    stage: str
    status: CaseStatus | None


async def standings(session: ReadSession, clients: Sequence[int], now: datetime) -> Mapping[int, Standing]:
    """By client; who owes nothing and is not worked is not in it."""
    found: dict[int, Standing] = {}
    async for facts, plan in facts_of(session, clients, now):
        debt = facts.debt
        before = found.get(facts.client)
        if before is not None and before.real.minor >= debt.real:
            continue
        stage = facts.case.stage if facts.case else NO_STAGE
        found[facts.client] = Standing(
            real=Money(debt.real, facts.currency),
            conditional=Money(debt.conditional, facts.currency),
            days_past_due=debt.days_past_due(facts.today),
            stage=plan.stages[stage].name if stage != NO_STAGE else "",
            status=status(debt, plan, stage, facts.case.deferrals) if facts.case else None,
        )
    return found
