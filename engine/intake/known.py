"""What the store knows of the things that the rows of a file name, looked up a set at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.store.session import ReadSession, driver
from engine.store.tables.ledger import PaymentStatus

PLANS = "select p.name, g.name from plans p join plan_groups g on g.id = p.group_id where p.in_force"
GROUPS = "select name from plan_groups"
CLIENTS = """
select c.ref, c.timezone, array(select distinct a.currency from accounts a where a.client_id = c.id order by 1)
from clients c where c.ref = any(%s)
"""
ACCOUNTS = """
select a.ref, c.ref, c.timezone, a.currency from accounts a join clients c on c.id = a.client_id where a.ref = any(%s)
"""
INVOICES = """
select i.ref, c.ref, c.timezone, a.currency, a.ref, i.issued, i.due, i.amount
from invoices i join accounts a on a.id = i.account_id join clients c on c.id = i.client_id where i.ref = any(%s)
"""
PAYMENTS = """
select p.ref, c.ref, p.currency, p.amount, p.status from payments p join clients c on c.id = p.client_id
where p.ref = any(%s)
"""


@dataclass(frozen=True, slots=True)
class KnownClient:
    """Where a client lives, and the currencies of their accounts."""

    zone: str
    currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """Whose an account is, where they live, and what it is billed in."""

    client: str
    zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """An invoice as it was billed; `amount` in minor units."""

    holder: KnownAccount
    account: str
    issued: date
    due: date
    amount: int


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment as it was booked; `amount` in minor units."""

    client: str
    currency: str
    amount: int
    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class Known:
    """By reference, what exists of a set of things. `plans` are those in force, each with its group."""

    groups: frozenset[str] = frozenset()
    plans: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, KnownClient] = field(default_factory=dict)
    accounts: Mapping[str, KnownAccount] = field(default_factory=dict)
    invoices: Mapping[str, KnownInvoice] = field(default_factory=dict)
    payments: Mapping[str, KnownPayment] = field(default_factory=dict)


async def known_plans(session: ReadSession) -> Known:
    """The plan groups, and the plans in force."""
    groups = await _rows(session, GROUPS)
    return Known(groups=frozenset(row[0] for row in groups), plans=dict(await _rows(session, PLANS)))


async def known(session: ReadSession, named: Mapping[str, Collection[str]]) -> Known:
    """What exists of the things `named` by the columns client, account, invoice and payment."""
    clients = await _found(session, CLIENTS, named.get("client"))
    accounts = await _found(session, ACCOUNTS, named.get("account"))
    invoices = await _found(session, INVOICES, named.get("invoice"))
    payments = await _found(session, PAYMENTS, named.get("payment"))
    return Known(
        clients={ref: KnownClient(zone, tuple(currencies)) for ref, zone, currencies in clients},
        accounts={ref: KnownAccount(*holder) for ref, *holder in accounts},
        invoices={
            ref: KnownInvoice(KnownAccount(client, zone, currency), *bill)
            for ref, client, zone, currency, *bill in invoices
        },
        payments={
            ref: KnownPayment(client, currency, amount, PaymentStatus(status))
            for ref, client, currency, amount, status in payments
        },
    )


async def _found(session: ReadSession, statement: str, refs: Collection[str] | None) -> list[tuple[Any, ...]]:
    return await _rows(session, statement, (list(refs),)) if refs else []


async def _rows(session: ReadSession, statement: str, values: tuple[list[str], ...] = ()) -> list[tuple[Any, ...]]:
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()
