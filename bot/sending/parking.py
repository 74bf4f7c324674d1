"""What goes wrong with one message again and again: it is put off, then parked and a person told; others pass."""

from __future__ import annotations

import random
import traceback
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from bot.delivery import next_channel
from engine.store.aside import have_looked_at, worded
from engine.store.session import WriteSession

MOST_TRIES = 5
"""So often a message is taken up before it is given up."""
FIRST_PAUSE = 30.0
JITTER = 0.5
log = structlog.get_logger()

PUT_OFF = text("""
update outbound set tries = tries + 1, send_from = :later, reason = :reason
where id = :outbound and state = 'ready' and tries + 1 < :most returning id
""")

PARKED = text("""
update outbound o set state = 'failed', tries = tries + 1, reason = :reason, settled_at = :now, parked_at = :now
from conversations t
where o.id = :outbound and o.state = 'ready' and t.id = o.conversation_id
returning o.contact_id, t.client_id, o.resent
""")


async def stumble(session: WriteSession, outbound: int, fault: Exception, now: datetime) -> None:
    """A message could not be taken up for a fault of our own. No attempt was made at it."""
    reason = worded(fault)[:200]
    tries = await session.scalar(text("select tries from outbound where id = :outbound"), {"outbound": outbound})
    later = now + timedelta(seconds=pause(int(tries or 0) + 1))
    asked = {"outbound": outbound, "reason": reason}
    if await session.scalar(PUT_OFF, asked | {"later": later, "most": MOST_TRIES}) is not None:
        return
    parked = (await session.execute(PARKED, asked | {"now": now})).one_or_none()
    if parked is not None:
        await alert(session, parked.client_id, outbound, f"a message could not be sent: {reason}", now)
        onward = parked.contact_id is not None and not parked.resent
        await next_channel(session, [parked.contact_id] if onward else [], now)


def complain(event: str, fault: Exception, **about: object) -> None:
    """Log a fault that stops nothing: what it was and where. A whole trace, with its values, takes seconds to write."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    log.error(event, fault=worded(fault), place=place, **about)


async def alert(session: WriteSession, client: int, outbound: int, reason: str, now: datetime) -> None:
    """Have a person look at a message that was given up; asked for once, and anew where they had seen to it."""
    await have_looked_at(session, client, reason, f"outbound:{outbound}:parked", now)


def pause(tries: int, least: float = FIRST_PAUSE) -> float:
    """Seconds to wait after so many tries: twice as long each time, and a little more, so that not all come at once."""
    return float(least * 2 ** (tries - 1) * (1 + JITTER * random.random()))  # noqa: S311 - it guards nothing
