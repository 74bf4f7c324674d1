"""How a client stands at the end of a day, in the words of the expectations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from engine.calendar import local_day
from engine.debt import delinquent_days
from engine.decide import status
from engine.decision import NO_STAGE, CaseFacts
from engine.money import Money
from engine.plan import Plan
from engine.store.facts import facts_of
from engine.store.session import Database, ReadSession
from engine.store.tables.casework import Case
from engine.store.tables.ledger import InstallmentRequest, Promise
from engine.store.tables.portfolio import Address, Client, PlanVersion
from engine.store.tables.talk import Conversation, Owner

NONE = "none"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is so at one moment: of the client, where a key may have several values, and by each of their plans."""

    values: dict[str, frozenset[str]] = field(default_factory=dict)
    plans: dict[str, dict[str, str]] = field(default_factory=dict)


async def look_at(database: Database, client: int, plans: Sequence[str], currency: str, now: datetime) -> Snapshot:
    """Everything a state expectation may ask about, at `now`; `plans` are the names of those that apply."""
    async with database.read() as session:
        values = await _promise(session, client, currency)
        row = await session.get_one(Client, client)
        today = local_day(now, ZoneInfo(row.timezone))
        requests = (await session.execute(_requests(client))).all()
        values["installment_request"] = frozenset(
            str(parts) for parts, at in requests if local_day(at, ZoneInfo(row.timezone)) <= today
        )
        owners = await session.scalars(select(Conversation.owner).where(Conversation.client_id == client))
        values["escalated"] = frozenset({str(any(owner != Owner.BOT for owner in owners)).lower()})
        stopped = select(Address.channel).where(Address.client_id == client, Address.opted_out_at.is_not(None))
        values["opted_out"] = frozenset(await session.scalars(stopped))
        values["language"] = frozenset({row.language})
        return Snapshot(values, await _cases(session, client, plans, currency, now))


def _requests(client: int) -> Select[int, datetime]:
    return select(InstallmentRequest.parts, InstallmentRequest.requested_at).where(
        InstallmentRequest.client_id == client
    )


async def _cases(
    session: ReadSession, client: int, plans: Sequence[str], currency: str, now: datetime
) -> dict[str, dict[str, str]]:
    """By plan: the latest of its cases, and the debt as it stands."""
    found = {name: _untouched(currency) for name in plans}
    cases = (
        select(Case, PlanVersion.terms)
        .join(PlanVersion, PlanVersion.id == Case.plan_id)
        .where(Case.client_id == client, Case.plan_name.in_(plans))
        .order_by(Case.id)
    )
    for case, terms in await session.execute(cases):
        stage = NONE if case.stage == NO_STAGE else terms["stages"][case.stage]["stage"]
        found[case.plan_name] |= {"case": "closed", "stage": stage, "cycle": str(case.cycle)}
    async for facts, plan in facts_of(session, [client], now):
        if plan.name in found:
            found[plan.name] |= _standing(facts, plan)
    return found


def _untouched(currency: str) -> dict[str, str]:
    nothing = str(Money(0, currency).major)
    states = {"case": NONE, "stage": NONE, "cycle": "0", "days_past_due": "0", "delinquent_days": "0"}
    return {**states, "real_debt": nothing, "conditional_debt": nothing}


def _standing(facts: CaseFacts, plan: Plan) -> dict[str, str]:
    debt = facts.debt
    values = {
        "real_debt": str(Money(debt.real, facts.currency).major),
        "conditional_debt": str(Money(debt.conditional, facts.currency).major),
        "days_past_due": str(debt.days_past_due(facts.today)),
        "delinquent_days": str(delinquent_days(debt, facts.pauses, facts.today)),
    }
    if facts.case is not None:
        values["case"] = status(debt, plan, facts.case.stage, facts.case.deferrals).value
    return values


async def _promise(session: ReadSession, client: int, currency: str) -> dict[str, frozenset[str]]:
    row = await session.scalar(select(Promise).where(Promise.client_id == client).order_by(Promise.id.desc()).limit(1))
    if row is None:
        return {}
    amount = str(Money(row.amount, currency).major)
    values = {"promise": row.state, "amount": amount, "until": row.until.isoformat()}
    return {key: frozenset({value}) for key, value in values.items()}
