"""The words behind a conditional payment: which dispute, promise, payment or exemption froze a part of a debt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from engine.contact import ChannelKind
from engine.debt import Hold, HoldKind
from engine.ledger import CLAIM
from engine.money import Money
from engine.promise import PromiseState
from engine.store.session import ReadSession
from engine.store.tables.casework import Exemption
from engine.store.tables.ledger import Dispute, Payment, Promise

PROMISED = {
    ChannelKind.SMS: "by SMS",
    ChannelKind.VOICE: "in a call",
    ChannelKind.EMAIL: "by email",
    ChannelKind.TELEGRAM: "in Telegram",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Something that froze money from `since` to `ended`; an exemption of a whole account names no invoice."""

    kind: HoldKind
    since: datetime
    ended: datetime | None
    invoice: int | None
    until: date | None
    reason: str
    by: str

    def explains(self, hold: Hold, at: datetime) -> bool:
        """Whether it is what lies behind a hold of the same client at a moment."""
        return (
            self.kind is hold.kind
            and self.since <= at
            and (self.ended is None or at <= self.ended)
            and self.invoice in (None, hold.invoice)
            and self.until == hold.until
        )


async def grounds(session: ReadSession, client: int) -> Sequence[Ground]:
    """All of a client's, over and in force."""
    return (await grounds_of(session, [client]))[client]


async def grounds_of(session: ReadSession, clients: Sequence[int]) -> Mapping[int, Sequence[Ground]]:
    """All of each of these clients', over and in force."""
    found: dict[int, list[Ground]] = {client: [] for client in clients}
    for dispute in await session.scalars(select(Dispute).where(Dispute.client_id.in_(clients))):
        found[dispute.client_id].append(
            Ground(
                HoldKind.DISPUTE, dispute.opened_at, dispute.resolved_at, dispute.invoice_id, None, dispute.reason, ""
            )
        )
    for promise in await session.scalars(select(Promise).where(Promise.client_id.in_(clients))):
        how = f"promised {PROMISED[ChannelKind(promise.channel)]}" if promise.channel else "recorded by an operator"
        until = promise.until + timedelta(days=promise.grace)
        found[promise.client_id].append(
            Ground(HoldKind.PROMISE, promise.made_at, promise.judged_at, None, until, how, promise.promiser or "")
        )
        if promise.remits:
            kept = promise.state == PromiseState.KEPT
            ended, last = (promise.remitted_at, None) if kept else (promise.judged_at, until)
            part = f"once {Money(promise.amount, promise.currency)} has come"
            found[promise.client_id].append(Ground(HoldKind.AMNESTY, promise.made_at, ended, None, last, part, ""))
    for exemption in await session.scalars(select(Exemption).where(Exemption.client_id.in_(clients))):
        found[exemption.client_id].append(
            Ground(
                HoldKind.EXEMPTION,
                exemption.made_at,
                exemption.ended_at,
                exemption.invoice_id,
                exemption.until,
                exemption.reason,
                exemption.made_by,
            )
        )
    for payment in await session.scalars(select(Payment).where(Payment.client_id.in_(clients))):
        how = "said by the client" if payment.source == CLAIM else f"payment {payment.ref}"
        found[payment.client_id].append(
            Ground(HoldKind.UNCONFIRMED, payment.paid_at, None, payment.invoice_id, None, how, "")
        )
    return found
