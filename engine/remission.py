"""What a kept amnesty cancels, once a person has approved it: a credit memo over what is due (B10, C10)."""

from __future__ import annotations

from datetime import datetime

from engine.agreements.remainder import settle_amnesty, to_remit
from engine.ledger import write_down
from engine.money import Money
from engine.promise import PromiseState
from engine.store.session import WriteSession
from engine.store.tables.ledger import Promise


class NoSuchAmnesty(LookupError):
    """No kept amnesty of that number still waits for somebody to cancel its rest."""


class RemissionTooLarge(ValueError):
    """No more can be cancelled than was agreed and is still due of the debt that it was agreed for."""

    def __init__(self, most: Money) -> None:
        super().__init__(f"at most {most} can be cancelled: no more was agreed and is left of that debt")


async def remit(
    session: WriteSession,
    number: int,
    cancelled: int,
    now: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """Settle the amnesty of the promise `number`: `cancelled` minor units, which may be 0, come off the oldest bills.

    In the caller's transaction, with the client locked. What it froze beyond that is collectable again. Raises
    NoSuchAmnesty and RemissionTooLarge, with nothing changed.
    """
    row = await session.get(Promise, number, populate_existing=True)
    if row is None or row.remits is None or row.remitted_at is not None or row.state != PromiseState.KEPT:
        raise NoSuchAmnesty(f"no kept amnesty {number}")
    most = await to_remit(session, row)
    if cancelled > most:
        raise RemissionTooLarge(Money(most, row.currency))
    await write_down(session, row.client_id, Money(cancelled, row.currency), now)
    settle_amnesty(session, row, cancelled, now, by=by, reason=reason)
    await session.flush()
