"""The portfolio in sums: who owes, what of it can be collected now, and what is frozen and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.debt import HoldKind
from engine.decision import CaseFacts
from engine.full_run import WIDTH
from engine.reasons import reasons
from engine.store.facts import facts_of, slices
from engine.store.session import ReadSession


@dataclass(slots=True)
class Debts:
    """The debts of one currency, in minor units; `frozen` by reason adds up to real less conditional."""

    clients: int = 0
    real: int = 0
    conditional: int = 0
    frozen: Counter[HoldKind] = field(default_factory=Counter)

    def add(self, facts: CaseFacts) -> None:
        """Count one client's position."""
        debt = facts.debt
        self.clients += 1
        self.real += debt.real
        self.conditional += debt.conditional
        for one in reasons(facts.owed, facts.holds, facts.today):
            self.frozen[one.hold.kind] += one.amount


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Everything owed at a moment: by currency, and how many clients owe anything."""

    at: datetime
    clients: int
    debts: Mapping[str, Debts]


async def portfolio(session: ReadSession, now: datetime) -> Portfolio:
    """Add up what is due and included. A client on several plans counts once a currency, by the largest debt."""
    debts: dict[str, Debts] = {}
    owing = 0
    for slice_ in await slices(session, now, WIDTH):
        positions: dict[tuple[int, str], CaseFacts] = {}
        async for facts, _ in facts_of(session, slice_, now):
            key = facts.client, facts.currency
            if facts.owed and (key not in positions or _sum(positions[key]) < _sum(facts)):
                positions[key] = facts
        owing += len({client for client, _ in positions})
        for (_, currency), facts in positions.items():
            debts.setdefault(currency, Debts()).add(facts)
    return Portfolio(now, owing, dict(sorted(debts.items())))


def _sum(facts: CaseFacts) -> int:
    return sum(item.balance for item in facts.owed)
