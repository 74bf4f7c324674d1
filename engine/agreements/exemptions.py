"""Exemptions: a person holds an invoice, an account or a whole client out of the work, with a reason and an end.

What is held is frozen, so it shows among the conditional payments. In the caller's transaction, who re-decides.
"""

from __future__ import annotations

from datetime import date, datetime

from engine.store.history import note
from engine.store.session import WriteSession
from engine.store.tables.casework import Exemption
from engine.store.tables.portfolio import Account, Invoice


class NotTheirs(ValueError):
    """The invoice or account belongs to somebody else."""


class NoSuchExemption(LookupError):
    """There is no such exemption, or it has ended."""


async def exempt(
    session: WriteSession,
    client: int,
    reason: str,
    by: str,
    now: datetime,
    *,
    invoice: int | None = None,
    account: int | None = None,
    until: date | None = None,
) -> int:
    """Hold an invoice, an account, or with neither all of a client, through `until` or until ended. The exemption's id.

    Raises NotTheirs.
    """
    of_invoice = await session.get(Invoice, invoice) if invoice is not None else None
    of_account = await session.get(Account, account) if account is not None else None
    for asked, found in ((invoice, of_invoice), (account, of_account)):
        if asked is not None and (found is None or found.client_id != client):
            raise NotTheirs("that invoice or account is not this client's")
    row = Exemption(
        client_id=client,
        account_id=account,
        invoice_id=invoice,
        until=until,
        reason=reason,
        made_by=by,
        made_at=now,
    )
    session.add(row)
    note(
        session,
        client,
        now,
        "exempted",
        invoice=of_invoice.ref if of_invoice else None,
        account=of_account.ref if of_account else None,
        until=until.isoformat() if until else None,
        reason=reason,
        by=by,
    )
    await session.flush()
    return row.id


async def end_exemption(session: WriteSession, number: int, by: str, now: datetime, *, reason: str = "") -> int:
    """What an exemption held is collectable again. The client. Raises NoSuchExemption."""
    row = await session.get(Exemption, number, populate_existing=True)
    if row is None or row.ended_at is not None:
        raise NoSuchExemption(f"no exemption {number} is in force")
    row.ended_at = now
    note(session, row.client_id, now, "exemption_ended", by=by, reason=reason or None)
    await session.flush()
    return row.client_id
