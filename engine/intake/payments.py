"""Payments as a feed gives them, each booked by the ledger's own rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from engine.intake.rows import PaymentRow
from engine.intake.stage import Cursor, Taken, Taking, UnknownOwner, Unread, import_alone
from engine.ledger import Received, confirm, receive, reject
from engine.refunds import reverse
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.ledger import PaymentStatus

SOURCE = "import"

INVOICES = "select ref, client_id, account_id, id from invoices where ref = any(%s)"
ACCOUNTS = "select ref, client_id, id, null::bigint from accounts where ref = any(%s)"
CLIENTS = "select ref, id, null::bigint, null::bigint from clients where ref = any(%s)"
UNCONFIRMED = "select ref from payments where ref = any(%s) and status = 'unconfirmed'"


@dataclass(frozen=True, slots=True)
class _Target:
    """What a payment is for, by ids."""

    client: int
    account: int | None
    invoice: int | None


class _Fate(Enum):
    ADDED = auto()
    CHANGED = auto()
    REVERSED = auto()
    SAME = auto()


class Payments(Taking[PaymentRow]):
    """The payments of one import. `progress` is told how many of them are booked."""

    def __init__(self, session: WriteSession, cursor: Cursor, now: datetime, progress: Callable[[int], None]) -> None:
        self._session, self._cursor, self._now, self._progress = session, cursor, now, progress
        self._rows: list[PaymentRow] = []

    async def gather(self, rows: Sequence[PaymentRow]) -> None:
        """Add rows."""
        self._rows += rows

    async def sift(self) -> Unread:
        """Which rows of the sheet are to be read: every one."""
        return Unread()

    async def write(self) -> Taken:
        """Book payments, confirm or reject announced ones, take back reversed ones; what is booked changes nothing.

        Raises UnknownOwner, and NoSuchPayment for an unknown one reversed.
        """
        targets = await _targets(self._cursor, self._rows)
        await lock_clients(self._session, [target.client for target in targets])
        await self._cursor.execute(UNCONFIRMED, ([row.payment for row in self._rows],))
        announced = {row[0] for row in await self._cursor.fetchall()}
        fates: Counter[_Fate] = Counter()
        touched: dict[_Fate, set[int]] = {fate: set() for fate in _Fate}
        for done, (row, target) in enumerate(zip(self._rows, targets, strict=True), start=1):
            fate = await _book(self._session, row, target, self._now, announced=row.payment in announced)
            fates[fate] += 1
            touched[fate].add(target.client)
            self._progress(done)
        return Taken(
            added=fates[_Fate.ADDED],
            changed=fates[_Fate.CHANGED] + fates[_Fate.REVERSED],
            clients=tuple(sorted(touched[_Fate.ADDED] | touched[_Fate.CHANGED] | touched[_Fate.REVERSED])),
            reopened=tuple(sorted(touched[_Fate.REVERSED])),
        )


async def payments(session: WriteSession, now: datetime, progress: Callable[[int], None]) -> Payments:
    """A taking of payments, empty. No other transaction imports until this one ends."""
    return Payments(session, await import_alone(session), now, progress)


async def _book(session: WriteSession, row: PaymentRow, target: _Target, now: datetime, *, announced: bool) -> _Fate:
    if announced and row.status is PaymentStatus.CONFIRMED:
        await confirm(session, row.payment, now)
        return _Fate.CHANGED
    if row.status is PaymentStatus.REJECTED:
        if not announced:
            return _Fate.SAME
        await reject(session, row.payment, now)
        return _Fate.CHANGED
    if row.status is PaymentStatus.REVERSED:
        return _Fate.REVERSED if await reverse(session, row.payment, now) else _Fate.SAME
    payment = Received(
        ref=row.payment,
        client=target.client,
        amount=row.amount,
        paid_at=row.paid_at,
        source=SOURCE,
        account=target.account,
        invoice=target.invoice,
        confirmed=row.status is PaymentStatus.CONFIRMED,
    )
    return _Fate.ADDED if await receive(session, payment, now) else _Fate.SAME


async def _targets(cursor: Cursor, rows: Sequence[PaymentRow]) -> list[_Target]:
    invoices = await _found(cursor, INVOICES, [row.invoice for row in rows])
    accounts = await _found(cursor, ACCOUNTS, [row.account for row in rows if row.invoice is None])
    clients = await _found(cursor, CLIENTS, [row.client for row in rows if row.invoice is row.account is None])
    targets: list[_Target] = []
    for row in rows:
        if row.invoice is not None:
            target = invoices.get(row.invoice)
        elif row.account is not None:
            target = accounts.get(row.account)
        else:
            target = clients.get(row.client or "")
        if target is None:
            raise UnknownOwner(f"the payment '{row.payment}' is for nothing that exists")
        targets.append(target)
    return targets


async def _found(cursor: Cursor, statement: str, refs: Sequence[str | None]) -> dict[str, _Target]:
    await cursor.execute(statement, ([ref for ref in refs if ref is not None],))
    return {ref: _Target(*ids) for ref, *ids in await cursor.fetchall()}
