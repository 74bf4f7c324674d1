"""The decision log of clients, read back: each line with the names of what it is about and what froze its debts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from engine import record
from engine.debt import Hold, HoldKind, Owed
from engine.decision import NO_STAGE, Decision
from engine.explaining.grounds import Ground, grounds_of
from engine.plan import Plan
from engine.reasons import reasons
from engine.record import Recorded, recorded
from engine.store.facts import Plans
from engine.store.session import ReadSession
from engine.store.tables.casework import Case, CaseEvent, DecisionRow
from engine.store.tables.portfolio import Account, Invoice

PRESENT = datetime.max.replace(tzinfo=UTC)
"""What is still in force then is in force at present, whichever day a decision is taken for."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A due invoice under work; sums are minor units."""

    ref: str
    account: str
    due: date
    balance: int
    frozen: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """What a conditional payment freezes, and the words and the person behind it, where there are any."""

    kind: HoldKind
    amount: int
    invoice: str | None
    account: str | None
    until: date | None
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One decision, of the log or (`at` None) taken just now. `cycle` is 0 without a case.

    `moved` is who moved the case by hand, and why, where the decision follows from that.
    `came_from` is the stage before it, `stage_since` the day the stage it speaks of was entered.
    """

    at: datetime | None
    day: date
    plan: Plan
    currency: str
    says: Recorded
    contacts: tuple[Mapping[str, Any], ...]
    orders: tuple[tuple[str, str], ...]
    tasks: tuple[Mapping[str, Any], ...]
    bills: tuple[Bill, ...]
    freezes: tuple[Freeze, ...]
    left_alone: int
    cycle: int
    started_on: date | None
    came_from: int
    stage_since: date | None
    skipped: frozenset[int]
    moved: tuple[str, str] | None

    @property
    def following(self) -> int | None:
        """The stage the unmet terms are about; None after the last one."""
        numbers = range(self.says.stage + 1, len(self.plan.stages))
        return next((number for number in numbers if number not in self.skipped), None)


class _Names(NamedTuple):
    """References by number."""

    invoices: Mapping[int, str]
    accounts: Mapping[int, str]


class _Said(NamedTuple):
    """A line before it is understood."""

    client: int
    says: Mapping[str, Any]
    inputs: Mapping[str, Any]
    at: datetime | None
    day: date
    case: Case | None


@dataclass(frozen=True, slots=True)
class Logbook:
    """Reads the lines of some clients' logs, and makes lines of decisions that are not in it."""

    plans: Plans
    names: _Names
    cases: Mapping[int, Case]
    grounds: Mapping[int, Sequence[Ground]]
    moves: Mapping[tuple[int, datetime], tuple[str, str]]

    @classmethod
    async def open(cls, session: ReadSession, clients: Sequence[int]) -> Logbook:
        invoices = await session.scalars(select(Invoice).where(Invoice.client_id.in_(clients)))
        accounts = await session.scalars(select(Account).where(Account.client_id.in_(clients)))
        cases = await session.scalars(select(Case).where(Case.client_id.in_(clients)))
        moves = await session.scalars(
            select(CaseEvent).where(CaseEvent.client_id.in_(clients), CaseEvent.kind == "moved")
        )
        return cls(
            Plans(session),
            _Names({one.id: one.ref for one in invoices}, {one.id: one.ref for one in accounts}),
            {case.id: case for case in cases},
            await grounds_of(session, clients),
            {(one.case_id or 0, one.at): (one.detail["by"], one.detail["reason"]) for one in moves},
        )

    async def logged(self, row: DecisionRow) -> Line:
        plan = await self.plans.terms(row.plan_id, row.currency)
        case = self.cases.get(row.case_id) if row.case_id is not None else None
        return self._line(_Said(row.client_id, row.says, row.inputs, row.at, row.day, case), plan, row.currency, row.at)

    async def taken(self, decision: Decision) -> Line:
        facts = decision.facts
        plan = await self.plans.terms(facts.plan, facts.currency)
        case = self.cases.get(facts.case.id) if facts.case is not None else None
        said = _Said(facts.client, record.said(decision), record.inputs(decision), None, facts.today, case)
        return self._line(said, plan, facts.currency, PRESENT)

    def _line(self, said: _Said, plan: Plan, currency: str, at: datetime) -> Line:
        told, before = recorded(said.says), said.inputs["case"]
        came_from = before["stage"] if before else NO_STAGE
        since = before["stage_entered_on"] if before else None
        moved = told.stage not in (came_from, NO_STAGE)
        return Line(
            at=said.at,
            day=said.day,
            plan=plan,
            currency=currency,
            says=told,
            contacts=tuple(said.says["contacts"]),
            orders=tuple((one["verb"], self.names.accounts.get(one["account"], "")) for one in said.says["orders"]),
            tasks=tuple(said.says["tasks"]),
            bills=tuple(self._bills(said.inputs)),
            freezes=tuple(self._freezes(said, at)),
            left_alone=said.inputs["left_alone"],
            cycle=said.case.cycle if said.case else said.inputs["cycles"] + told.begins,
            started_on=said.case.started_on if said.case else said.day if told.begins else None,
            came_from=came_from,
            stage_since=said.day if moved else date.fromisoformat(since) if since else None,
            skipped=frozenset(stage for stage, until in before["deferrals"] if until is None)
            if before
            else frozenset(),
            moved=self.moves.get((said.case.id, said.at)) if said.case and said.at else None,
        )

    def _bills(self, inputs: Mapping[str, Any]) -> list[Bill]:
        return [
            Bill(
                self.names.invoices.get(one["invoice"], ""),
                self.names.accounts.get(one["account"], ""),
                date.fromisoformat(one["due"]),
                one["balance"],
                one["frozen"],
            )
            for one in inputs["owed"]
        ]

    def _freezes(self, said: _Said, at: datetime) -> list[Freeze]:
        """What each hold froze: holds laid over the frozen part alone, as some may lie on another plan's invoices."""
        owed = [
            Owed(one["invoice"], one["account"], date.fromisoformat(one["due"]), one["frozen"])
            for one in said.inputs["owed"]
        ]
        holds = [
            Hold(
                HoldKind(one["kind"]),
                one["amount"],
                one["invoice"],
                one["account"],
                date.fromisoformat(one["until"]) if one["until"] else None,
            )
            for one in said.inputs["holds"]
        ]
        found = []
        for one in reasons(owed, holds, said.day):
            hold = one.hold
            ground = next((ground for ground in self.grounds[said.client] if ground.explains(hold, at)), None)
            invoice = self.names.invoices.get(hold.invoice) if hold.invoice is not None else None
            account = self.names.accounts.get(hold.account) if hold.account is not None else None
            words = (ground.reason, ground.by) if ground else ("", "")
            found.append(Freeze(hold.kind, one.amount, invoice, account, hold.until, *words))
        return found
