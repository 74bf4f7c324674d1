"""The ledger of consent: who may be written to at which address, as one kind of line in a client's history.

Every opt-out, opt-in and finding about an address, by whatever means and on whatever channel, is a line of the kind
`consent` (the view `consents` shows them in columns), never changed or taken back. What an address says of itself
(`opted_out_at`, `dead_since`) is the present of that ledger and is written here, in the same statement's transaction.
A line is written when something changes: a second STOP is none. Consent is given back only by the person who took it
away, in so many words, or by an operator who says who asked for it, and how.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, text, update

from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.portfolio import Address

CONSENT = "consent"


class Consent(StrEnum):
    """What became of an address. `unusable`: nobody, or somebody else, is there; that says nothing of consent."""

    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    UNUSABLE = "unusable"
    USABLE = "usable"


class Means(StrEnum):
    """By which means it was said or found. `link` includes the list headers of a mail; `feed` is billing's data;
    `migration` says only that it was so before this ledger was kept."""

    WORD = "word"
    KEY = "key"
    BUTTON = "button"
    LINK = "link"
    COMPLAINT = "complaint"
    CARRIER = "carrier"
    OPERATOR = "operator"
    FEED = "feed"
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a line rests on. `evidence` names the inbox event, the attempt or the user; `reason` is a person's own."""

    means: Means
    evidence: str
    reason: str = ""


CALLED_DEAD = text("""
select latest.address_id
from addresses a cross join lateral (
  select n.address_id, n.what, n.means from consents n
  where n.client_id = a.client_id and n.address_id = a.id and n.what in ('unusable', 'usable')
  order by n.id desc limit 1) latest
where a.id = any(:addresses) and latest.what = 'unusable' and latest.means = 'carrier'
""")
"""Which of some addresses are unusable because a carrier said so."""


LATEST_STOPS = text("""
select distinct on (address_id) address_id, means from consents
where client_id = :client and what = 'opted_out' order by address_id, id desc
""")


class ReasonMissing(ValueError):
    """Whoever lets an address be written to again on behalf of its holder says why."""


async def book_consent(
    session: WriteSession,
    what: Consent,
    addresses: Collection[int],
    proof: Proof,
    now: datetime,
    *,
    shared: bool = True,
) -> int:
    """Write to the ledger what became of these addresses, `shared`: whichever clients share them. How many changed.

    Raises ReasonMissing where an operator opts somebody in without one.
    """
    if what is Consent.OPTED_IN and proof.means is Means.OPERATOR and not proof.reason.strip():
        raise ReasonMissing(str(ReasonMissing.__doc__))
    ends = what in (Consent.OPTED_IN, Consent.USABLE)
    mark = Address.opted_out_at if what in (Consent.OPTED_OUT, Consent.OPTED_IN) else Address.dead_since
    stands = mark.is_not(None) if ends else mark.is_(None)
    of = Address.id.in_(addresses)
    whose = Address.lookup.in_(select(Address.lookup).where(of)) if shared else of
    # Locked in the order of their ids, as news of deliveries locks them.
    locked = select(Address.id).where(whose, stands).order_by(Address.id).with_for_update(key_share=True)
    change = update(Address).where(Address.id.in_(locked)).values({mark: None if ends else now})
    changed = (await session.execute(change.returning(Address.id, Address.client_id, Address.channel))).all()
    for row in sorted(changed):
        line = {"what": what, "address": row.id, "channel": row.channel, "means": proof.means}
        note(session, row.client_id, now, CONSENT, **line, evidence=proof.evidence, reason=proof.reason or None)
    return len(changed)


async def stopped_by(session: ReadSession, client: int) -> Mapping[int, Means]:
    """By which means each address of a client was opted out, the last time it was."""
    rows = await session.execute(LATEST_STOPS, {"client": client})
    return {row.address_id: Means(row.means) for row in rows}


async def reached(session: WriteSession, addresses: Collection[Address], proof: Proof, now: datetime) -> None:
    """Somebody wrote from there: a carrier that called such an address dead was wrong, or is no longer right.

    Whose it is no carrier knew: where a person or billing has said that it is not the client's, that stands.
    """
    dead = [address.id for address in addresses if address.dead_since is not None]
    if dead:
        blamed = (await session.scalars(CALLED_DEAD, {"addresses": dead})).all()
        await book_consent(session, Consent.USABLE, blamed, proof, now, shared=False)
