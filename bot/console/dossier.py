"""All that a client's page shows beside the talk: positions, what was agreed or held back, ways to reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select

from bot.console.positions import Position, positions
from engine.ledger import credits_of
from engine.money import Money
from engine.store.consents import Means, stopped_by
from engine.store.session import ReadSession
from engine.store.tables.casework import DunningPause, Exemption
from engine.store.tables.ledger import Appropriation, Installment, InstallmentPlan, Promise
from engine.store.tables.portfolio import Account, Address, Client, Invoice

MOST_PROMISES = 8


@dataclass(frozen=True, slots=True)
class Part:
    """One installment, and whether it is paid or missed."""

    no: int
    due: date
    amount: Money
    paid: Money
    missed: bool


@dataclass(frozen=True, slots=True)
class Spared:
    """An exemption in force, of an invoice, an account, or with neither named all of the client."""

    id: int
    of: str
    until: date | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """One client, at `now`; `today` is their own day. `stopped_by` says how addresses were opted out last."""

    client: Client
    today: date
    addresses: Sequence[Address]
    stopped_by: Mapping[int, Means]
    positions: Sequence[Position]
    pauses: Sequence[DunningPause]
    exemptions: Sequence[Spared]
    promises: Sequence[Promise]
    installments: Sequence[Part]
    currencies: Sequence[str]
    credits: Sequence[Money]


async def dossier(session: ReadSession, client: Client, today: date, now: datetime) -> Dossier:
    """Read a client's situation; `today` is their own day."""
    promises = select(Promise).where(Promise.client_id == client.id).order_by(Promise.made_at.desc(), Promise.id.desc())
    pauses = select(DunningPause).where(
        DunningPause.client_id == client.id, DunningPause.starts <= today, DunningPause.ends > today
    )
    currencies = select(Account.currency).where(Account.client_id == client.id).distinct().order_by(Account.currency)
    return Dossier(
        client=client,
        today=today,
        addresses=(await session.scalars(select(Address).where(Address.client_id == client.id))).all(),
        stopped_by=await stopped_by(session, client.id),
        positions=await positions(session, client.id, now),
        pauses=(await session.scalars(pauses.order_by(DunningPause.ends.desc(), DunningPause.id))).all(),
        exemptions=await _exemptions(session, client.id, today),
        promises=(await session.scalars(promises.limit(MOST_PROMISES))).all(),
        installments=await _installments(session, client.id, today),
        currencies=(await session.scalars(currencies)).all(),
        credits=await credits_of(session, client.id),
    )


async def _exemptions(session: ReadSession, client: int, today: date) -> Sequence[Spared]:
    rows = await session.execute(
        select(Exemption, Account.ref, Invoice.ref)
        .outerjoin(Account, Account.id == Exemption.account_id)
        .outerjoin(Invoice, Invoice.id == Exemption.invoice_id)
        .where(
            Exemption.client_id == client,
            Exemption.ended_at.is_(None),
            or_(Exemption.until.is_(None), Exemption.until >= today),
        )
        .order_by(Exemption.id)
    )
    return [
        Spared(
            id=row.id,
            of=f"invoice {invoice}" if invoice else f"account {account}" if account else "everything",
            until=row.until,
            reason=row.reason,
            by=row.made_by,
        )
        for row, account, invoice in rows
    ]


async def _installments(session: ReadSession, client: int, today: date) -> Sequence[Part]:
    rows = await session.execute(
        select(Installment, InstallmentPlan.currency, Appropriation.amount)
        .join(InstallmentPlan, InstallmentPlan.id == Installment.plan_id)
        .outerjoin(Appropriation, Appropriation.installment_id == Installment.id)
        .where(InstallmentPlan.client_id == client, InstallmentPlan.ended_at.is_(None))
        .order_by(Installment.plan_id, Installment.no)
    )
    paid: dict[Installment, int] = {}
    currencies = {}
    for part, currency, amount in rows:
        paid[part] = paid.get(part, 0) + (amount or 0)
        currencies[part] = currency
    return [
        Part(
            no=part.no,
            due=part.due,
            amount=Money(part.amount, currencies[part]),
            paid=Money(done, currencies[part]),
            missed=part.due < today and done < part.amount,
        )
        for part, done in paid.items()
    ]
