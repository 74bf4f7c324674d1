"""The gap report: what carriers had on record and the store had not, what of it is still open, and how far they were
asked. Only reads; `bot.reconciling` finds and mends, and people close what is left (`bot.console.parked`)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from engine.store.session import ReadSession

OPEN = text("""
select id, kind, channel, sender, subject, found_at from gaps where mended_at is null order by found_at, id limit :most
""")
COUNTS = text("""
select channel, kind, count(*) as found, count(*) filter (where mended_at is null) as open
from gaps where found_at >= :since or mended_at is null group by channel, kind order by channel, kind
""")
LOOKS = text("select channel, reached_at, failure, failed_since from reconciliations order by channel")


class OpenGap(NamedTuple):
    """A gap that waits for a person. `kind` is a `GapKind`; `sender` the number of ours it concerns."""

    id: int
    kind: str
    channel: str
    sender: str
    subject: str
    found_at: datetime


class GapCount(NamedTuple):
    """How many gaps of a kind were found on a channel since a moment; those still open are counted however old."""

    channel: str
    kind: str
    found: int
    open: int


class Look(NamedTuple):
    """How far a carrier's records have been compared; `failure`: why not, or not all of them, since `failed_since`."""

    channel: str
    reached_at: datetime
    failure: str | None
    failed_since: datetime | None


async def open_gaps(session: ReadSession, most: int = 50) -> list[OpenGap]:
    """Gaps that are not mended, oldest first."""
    return [OpenGap(*row) for row in await session.execute(OPEN, {"most": most})]


async def gap_counts(session: ReadSession, since: datetime) -> list[GapCount]:
    """What was found since a moment, by channel and kind, and what is open."""
    return [GapCount(*row) for row in await session.execute(COUNTS, {"since": since})]


async def looks(session: ReadSession) -> list[Look]:
    """How far the carriers that can be asked have been; none before the first look."""
    return [Look(*row) for row in await session.execute(LOOKS)]
