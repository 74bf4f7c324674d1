"""Disputes: contested sums, frozen until somebody has decided about them.

Every function works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from datetime import datetime

from engine.money import Money
from engine.notices import tell
from engine.plan import Notice
from engine.store.history import note
from engine.store.session import WriteSession
from engine.store.tables.ledger import Dispute


class NoSuchDispute(LookupError):
    """There is no open dispute of that number."""


class GrantTooLarge(ValueError):
    """No more can be granted than was disputed."""


async def dispute(
    session: WriteSession,
    client: int,
    amount: Money,
    reason: str,
    now: datetime,
    invoice: int | None = None,
    *,
    told: bool = False,
) -> int:
    """Freeze a contested sum, of one invoice or of the debt as a whole. The id of the dispute.

    `told`: the client has it in writing already, from the talk in which they said it.
    """
    row = Dispute(
        client_id=client,
        invoice_id=invoice,
        currency=amount.currency,
        amount=amount.minor,
        reason=reason,
        opened_at=now,
    )
    session.add(row)
    note(session, client, now, "dispute", amount=amount.minor, currency=amount.currency, reason=reason)
    await session.flush()
    if not told:
        await tell(session, client, amount.currency, Notice.DISPUTE_OPENED, row.id, now)
    return row.id


async def open_dispute(session: WriteSession, number: int, granted: int) -> Dispute:
    """A dispute that can be resolved by granting so much. Raises NoSuchDispute and GrantTooLarge."""
    row = await session.get(Dispute, number, populate_existing=True)
    if row is None or row.resolved_at is not None:
        raise NoSuchDispute(f"no open dispute {number}")
    if granted > row.amount:
        raise GrantTooLarge(f"at most {Money(row.amount, row.currency)} can be granted: no more was disputed")
    return row


async def close_dispute(
    session: WriteSession, row: Dispute, granted: int, now: datetime, *, by: str | None, reason: str | None
) -> None:
    """What a dispute froze is collectable again, less `granted`, which the caller books as a credit memo."""
    row.resolved_at, row.granted = now, granted
    note(
        session,
        row.client_id,
        now,
        "dispute_resolved",
        amount=row.amount,
        granted=granted,
        currency=row.currency,
        by=by,
        reason=reason,
    )
    await tell(session, row.client_id, row.currency, Notice.DISPUTE_ANSWERED, row.id, now)
