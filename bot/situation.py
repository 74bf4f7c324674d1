"""What talks may speak of: the dialogs' Facts of some clients, read from the case store in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Protocol

from sqlalchemy import text

from bot.application import Application
from bot.matters import Matters
from bot.paypoints import near
from dialogs.answers import FEWEST_PARTS
from dialogs.facts import PAYABLE, AccountDue, Due, Facts
from dialogs.message import Schedule
from engine.calendar import local_day, working_day, zone
from engine.debt import HoldKind, Standing, together
from engine.decide import coming_order, status
from engine.decision import NO_STAGE, CaseFacts, CaseStatus, Ending, RunningCase
from engine.installment import Answer, granted, schedule
from engine.money import Money
from engine.plan import Notice, Offers, Plan, Verb
from engine.store.facts import facts_of
from engine.store.session import ReadSession, at_once
from engine.store.tables.casework import Case, Contact, Occasion

UNMET = (Occasion.ADDED, Occasion.PROMISE_BROKEN, Occasion.INSTALLMENT_MISSED, Occasion.PAYMENT_UNCLEAR)
"""Occasions to write while something is free to be paid: nobody who says they paid is asked where the money is."""

LIMITED = "restriction_notice"
"""It says that a service is off: it goes to nobody of whom none was ordered off, or whose order was refused."""

NEWS = frozenset(map(Occasion, Notice))
FRESH = timedelta(days=3)
"""So long after it was planned news of what has happened is still told: a pause or a person's talk may hold it up."""


ACCOUNTS = text("select id, ref, service from accounts where client_id = any(:clients)")


class Person(Protocol):
    """What of a client matters to what may be said: a row of the table, or no more than this."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    @property
    def country(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Position:
    """A client's debt on one plan and in one currency."""

    facts: CaseFacts
    plan: Plan
    debt: Standing


class Situations:
    """How some clients stand at one moment."""

    def __init__(
        self,
        app: Application,
        now: datetime,
        positions: Sequence[Position],
        accounts: Mapping[int, tuple[str, str]],
        matters: Matters,
    ) -> None:
        self._app, self.now = app, now
        self._positions, self._accounts, self._matters = positions, accounts, matters

    @classmethod
    async def read(cls, session: ReadSession, app: Application, clients: Sequence[int], now: datetime) -> Situations:
        """Read the debts of these clients, the accounts they are on, and what is agreed with them."""
        positions, accounts, matters = await at_once(
            session,
            _positions(session, clients, now),
            session.execute(ACCOUNTS, {"clients": list(clients)}),
            Matters.read(session, clients, now),
        )
        return cls(app, now, positions, {row.id: (row.ref, row.service) for row in accounts}, matters)

    def facts(self, client: Person, currency: str, contact: int | None = None, notice: Contact | None = None) -> Facts:
        """What may be said to a client in a currency: unfrozen sums, by account, and what is agreed or comes next.

        `contact` is the one the talk began with, if any: a courtesy is about one promise, installment or bill.
        `notice` is a contact about to be made: one of a plan names that plan's debt, an answer all there is.
        """
        today = local_day(self.now, zone(client.timezone))
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
            places=near(self._app.pay_points, client.country),
        )
        spoken_of = self._spoken_of(client.id, currency, notice)
        if spoken_of is None or not spoken_of.debt.owed:
            return self._matters.told(self._offers(nothing, spoken_of, client, contact), client.id, contact)
        debt = spoken_of.debt
        dues = self._dues(debt, currency)
        if notice is not None and notice.script == LIMITED:
            dues = tuple(due for due in dues if due.account in self._matters.off(client.id, currency))
        since = debt.conditional_since() or debt.owed[0].due
        owing = replace(
            nothing,
            amount_due=Money(debt.conditional, currency),
            oldest_due=since,
            days_past_due=(today - since).days,
            all_due=Money(debt.real, currency) if debt.real > debt.conditional else None,
            accounts=dues,
            consequence_on=_suspended_on(spoken_of),
            promised=_promised(debt, currency),
        )
        told = self._offers(self._in_parts(owing, spoken_of, client), spoken_of, client, contact)
        return self._matters.told(_referred(told, spoken_of), client.id, contact)

    def _spoken_of(self, client: int, currency: str, notice: Contact | None) -> Position | None:
        """The position a notice is about, or else all of the client's as one, on the plan that works most of it."""
        mine = [one for one in self._positions if (one.facts.client, one.facts.currency) == (client, currency)]
        if notice is not None and notice.case_id is not None:
            running = (one for one in mine if one.facts.case is not None and one.facts.case.id == notice.case_id)
            ended = (one for one in mine if one.facts.plan == notice.plan_id)
            return next(chain(running, ended), None)
        if not mine:
            return None
        most = max(mine, key=lambda one: one.debt.conditional)
        return most if len(mine) == 1 else replace(most, debt=together([one.debt for one in mine]))

    def warrants(self, contact: Contact, case: Case | None) -> bool:
        """Whether a contact is still to be made: a debt frozen or paid since the decision is not chased, and what is no
        news any more is not told.

        Other courtesies are not about a debt that is chased; whether theirs is settled the store knows
        (`moot_contacts`).
        """
        mine = [
            one
            for one in self._positions
            if (one.facts.client, one.facts.currency) == (contact.client_id, contact.currency)
        ]
        stale = contact.occasion in NEWS and self.now - contact.planned_at > FRESH
        untrue = contact.script == LIMITED and not self._matters.restricts(contact.client_id, contact.currency)
        if stale or untrue:
            return False
        if contact.occasion in UNMET:
            return any(one.debt.conditional > 0 for one in mine)
        if contact.occasion != Occasion.STAGE:
            return True
        if case is not None and case.ending == Ending.WORKED:
            return any(one.debt.real > 0 for one in mine)
        return any(
            _chased(one, one.facts.case)
            for one in mine
            if one.facts.case is not None and one.facts.case.id == contact.case_id
        )

    def main_currency(self, client: int) -> str | None:
        """The currency in which the client owes most units; None without debt."""
        mine = [one for one in self._positions if one.facts.client == client]
        return max(mine, key=lambda one: one.debt.real).facts.currency if mine else None

    def _in_parts(self, facts: Facts, position: Position, client: Person) -> Facts:
        """What the plan's policy grants at once, unless an agreement runs already: then a person decides."""
        policy, debt, currency = position.plan.installments, position.debt.conditional, position.facts.currency
        if policy is None:
            return facts
        counts = range(FEWEST_PARTS, policy.most_parts + 1)
        answers = {count: granted(debt, count, policy).answer for count in counts}
        schedules: dict[int, Schedule] = {}
        for count, answer in answers.items():
            if answer is Answer.GRANTED and not self._matters.runs(client.id, currency):
                parts = schedule(debt, count, policy, facts.today, lambda day: working_day(day, client.country))
                schedules[count] = tuple(
                    (part.due, Money(part.amount + part.interest + part.fee, currency)) for part in parts
                )
        offered = [count for count, answer in answers.items() if answer is not Answer.REFUSED]
        return replace(facts, parts=max(offered, default=policy.most_parts), schedules=schedules)

    def _offers(self, facts: Facts, spoken_of: Position | None, client: Person, contact: int | None) -> Facts:
        """What the contact's plan offers, or the one that is spoken of; an amnesty is of all the client owes."""
        currency = facts.amount_due.currency
        mine = [one for one in self._positions if (one.facts.client, one.facts.currency) == (client.id, currency)]
        free = Money(together([one.debt for one in mine]).conditional, currency)
        usual = spoken_of.plan.offers if spoken_of else Offers()
        return self._matters.offered.told(facts, client.id, contact, usual, free)

    def _dues(self, debt: Standing, currency: str) -> tuple[AccountDue, ...]:
        dues = [
            AccountDue(*self._accounts[number], Money(debt.conditional_of(number), currency))
            for number in dict.fromkeys(item.account for item in debt.owed)
        ]
        dues.sort(key=lambda due: due.account)
        return tuple(due for due in dues if due.amount)


async def _positions(session: ReadSession, clients: Sequence[int], now: datetime) -> list[Position]:
    return [Position(facts, plan, facts.claim) async for facts, plan in facts_of(session, clients, now)]


def _suspended_on(position: Position) -> date | None:
    """The day the plan's next service restriction can come."""
    coming = coming_order(position.facts, position.plan, Verb.SUSPEND_SERVICE)
    return coming[1] if coming else None


def _referred(facts: Facts, position: Position) -> Facts:
    """With what goes to the plan's agency by then: the accounts that owe as much as the order asks."""
    coming = coming_order(position.facts, position.plan, Verb.REFER_AGENCY)
    if coming is None or not position.plan.agency:
        return facts
    order, day = coming
    sums = map(position.debt.conditional_of, {item.account for item in position.debt.owed})
    total = Money(sum(one for one in sums if one >= order.min_account_debt), position.facts.currency)
    return replace(facts, agency=Due(total, day), agency_name=position.plan.agency) if total else facts


def outstanding(facts: Facts, matter: str) -> bool:
    """Whether there is still something to pay that a client can be reminded of: what the talk is about, or any debt
    that is free."""
    return bool(matter in PAYABLE and facts.due(matter)) or bool(facts.amount_due)


def _chased(position: Position, case: RunningCase) -> bool:
    """Whether what may be collected is enough for the next stage, or still for the one the case is in.

    A stage may be entered on a debt that the stage after it, which asks for more, finds too small: its notice goes out.
    """
    debt, plan = position.debt, position.plan
    enough = case.stage != NO_STAGE and debt.conditional >= plan.stages[case.stage].min_debt
    is_open = status(debt, plan, case.stage, case.deferrals) is CaseStatus.OPEN
    return debt.conditional > 0 and (enough or is_open)


def _promised(debt: Standing, currency: str) -> Money | None:
    """What the client's open promises still are; None without any."""
    sums = [hold.amount for hold in debt.held if hold.kind is HoldKind.PROMISE]
    return Money(sum(sums), currency) if sums else None
