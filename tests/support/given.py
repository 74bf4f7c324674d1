"""Builders: a portfolio in a few words, as a test would tell it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from engine.contact import ChannelKind
from engine.document import parse
from engine.money import money
from engine.store.addresses import blind_index, normal
from engine.store.plans import publish_plans, read_plans
from engine.store.session import WriteSession
from engine.store.tables.ledger import EntryKind, LedgerEntry
from engine.store.tables.portfolio import Account, Address, Client, Invoice, PlanGroup


def plan(does: str) -> str:
    """A plan of individuals that begins five days after a bill of 50 or more was due, and does this.

    What it does is YAML from the next line on, four spaces in.
    """
    return f"""
groups: [individuals]
plans:
  - plan: standard
    group: individuals
    standard: true
    start: {{after_days: 5, min_debt: 50}}{does}"""


PLAN = plan("""
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms, email]}]
      - stage: restriction
        after_days: 10
        actions: [{do: suspend_service, min_account_debt: 100}, {task: call}]
""")

THREE_STAGES = plan("""
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
      - stage: warning
        after_days: 5
        actions: [{send: warning, by: [sms]}]
      - stage: restriction
        after_days: 10
        actions: [{do: suspend_service}]
""")

ORDERS = plan("""
    stages:
      - stage: restriction
        actions: [{do: suspend_service, min_account_debt: 100}, {do: status_collections}]
""")
"""Two orders about an account, in the first stage."""


async def given_plans(session: WriteSession, text: str = PLAN, currency: str = "RON") -> None:
    """Plans of a YAML text, in force."""
    root = parse(text, "plans.yaml")
    await publish_plans(session, root.mapping(("groups", "plans"))["groups"].texts(), read_plans(root, currency))


async def given_client(
    session: WriteSession,
    ref: str = "ana",
    *,
    zone: str = "Europe/Bucharest",
    language: str = "ro",
    plans: tuple[str, ...] = (),
    **addresses: str,
) -> int:
    """A client of the group individuals; addresses by channel: sms="+40...", email="..."."""
    group = await session.scalar(select(PlanGroup.id).where(PlanGroup.name == "individuals"))
    client = Client(
        ref=ref, group_id=group, plans=list(plans), kind="person", name=ref.title(), language=language, timezone=zone
    )
    session.add(client)
    await session.flush()
    for channel, value in addresses.items():
        kind = ChannelKind(channel)
        session.add(
            Address(client_id=client.id, channel=kind, sealed=normal(kind, value), lookup=blind_index(kind, value))
        )
    await session.flush()
    return client.id


async def given_invoice(
    session: WriteSession,
    client: int,
    ref: str,
    amount: str,
    due: date,
    *,
    account: str = "A1",
    service: str = "internet",
    currency: str = "RON",
) -> int:
    """An unpaid invoice; its account is opened when it is new."""
    owner = await session.scalar(select(Account.id).where(Account.ref == account))
    if owner is None:
        row = Account(ref=account, client_id=client, provider="acme", service=service, currency=currency)
        session.add(row)
        await session.flush()
        owner = row.id
    minor = money(amount, currency).minor
    invoice = Invoice(ref=ref, client_id=client, account_id=owner, issued=due, due=due, amount=minor)
    session.add(invoice)
    await session.flush()
    session.add(
        LedgerEntry(
            at=datetime.combine(due, datetime.min.time()).astimezone(),
            client_id=client,
            currency=currency,
            invoice_id=invoice.id,
            kind=EntryKind.CHARGE,
            amount=minor,
        )
    )
    await session.flush()
    return invoice.id
