"""What talks may speak of: the dialogs' Facts of some clients, read from the case store in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from bot.application import Application
from dialogs.facts import AccountDue, Facts
from engine.calendar import local_day, zone
from engine.debt import HoldKind, Standing, standing
from engine.decide import CaseFacts, CaseStatus, restriction_day, status
from engine.money import Money
from engine.plan import Plan
from engine.store.facts import facts_of
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Account, Client


@dataclass(frozen=True, slots=True)
class Position:
    """A client's debt on one plan and in one currency."""

    facts: CaseFacts
    plan: Plan
    debt: Standing


class Situations:
    """How some clients stand at one moment."""

    def __init__(
        self, app: Application, now: datetime, positions: Sequence[Position], accounts: Mapping[int, Account]
    ) -> None:
        self._app, self._now = app, now
        self._positions, self._accounts = positions, accounts

    @classmethod
    async def read(cls, session: ReadSession, app: Application, clients: Sequence[int], now: datetime) -> Situations:
        """Read the debts of these clients, and the accounts they are on."""
        positions = [
            Position(facts, plan, standing(facts.owed, facts.holds, facts.today))
            async for facts, plan in facts_of(session, clients, now)
        ]
        owing = {item.account for position in positions for item in position.debt.owed}
        accounts = await session.scalars(select(Account).where(Account.id.in_(owing))) if owing else ()
        return cls(app, now, positions, {account.id: account for account in accounts})

    def facts(self, client: Client, currency: str) -> Facts:
        """What may be said to a client of their debt in a currency: unfrozen sums, by account."""
        today = local_day(self._now, zone(client.timezone))
        nothing = Facts(
            today=today,
            name=client.name,
            creditor=self._app.creditor,
            amount_due=Money(0, currency),
            oldest_due=today,
            days_past_due=0,
            accounts=(),
            operator_hours=self._app.operator_hours,
            # A turn only asks whether there is a link; the one a message shows is made when it is sent.
            pay_link=f"{self._app.public_url}/pay",
        )
        mine = [one for one in self._positions if (one.facts.client, one.facts.currency) == (client.id, currency)]
        best = max(mine, key=lambda one: one.debt.conditional, default=None)
        if best is None or not best.debt.owed:
            return nothing
        return replace(
            nothing,
            amount_due=Money(best.debt.conditional, currency),
            oldest_due=best.debt.owed[0].due,
            days_past_due=best.debt.days_past_due(today),
            accounts=self._dues(best.debt, currency),
            consequence_on=restriction_day(best.facts, best.plan),
            promised=_promised(best.debt, currency),
        )

    def warrants(self, case: int) -> bool:
        """Whether a case is running and open: a debt frozen or paid since the decision is not chased."""
        return any(
            one.debt.conditional > 0 and status(one.debt, one.plan, one.facts.case.stage) is CaseStatus.OPEN
            for one in self._positions
            if one.facts.case is not None and one.facts.case.id == case
        )

    def main_currency(self, client: int) -> str | None:
        """The currency in which the client owes most units; None without debt."""
        mine = [one for one in self._positions if one.facts.client == client]
        return max(mine, key=lambda one: one.debt.real).facts.currency if mine else None

    def _dues(self, debt: Standing, currency: str) -> tuple[AccountDue, ...]:
        owing = {self._accounts[number] for number in dict.fromkeys(item.account for item in debt.owed)}
        dues = [
            AccountDue(account.ref, account.service, Money(debt.conditional_of(account.id), currency))
            for account in sorted(owing, key=lambda account: account.ref)
        ]
        return tuple(due for due in dues if due.amount)


def _promised(debt: Standing, currency: str) -> Money | None:
    """What the client's open promises still are; None without any."""
    sums = [hold.amount for hold in debt.held if hold.kind is HoldKind.PROMISE]
    return Money(sum(sums), currency) if sums else None
