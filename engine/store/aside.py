"""Clients nothing could be decided for, whatever the fault: a person is told, and the others are decided for."""

from __future__ import annotations

from datetime import datetime

import psycopg
import structlog
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql import insert

from engine.plan import TaskKind
from engine.store.feed import settle_marks
from engine.store.leases import LeaseLost
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Task

ASIDE = "set aside"
"""The word by which a run counts them."""
MOST = 20
"""More of one slice are no faults of single clients: the run stops."""
LONGEST = 300
OF_THE_STORE = (
    *(psycopg.OperationalError, psycopg.InterfaceError, exc.OperationalError, exc.InterfaceError, exc.TimeoutError),
    *(LeaseLost, OSError, MemoryError),
)

log = structlog.get_logger()


def of_a_client(fault: Exception) -> bool:
    """Whether a fault may lie with one client, not with the store or the way to it."""
    return not isinstance(fault, OF_THE_STORE)


async def set_aside(session: WriteSession, client: int, fault: Exception, now: datetime) -> None:
    """Have a person look at a client; asked for once, and anew where they had seen to it.

    What has changed about them is done with until it changes again. The next daily run tries once more.
    """
    await lock_clients(session, [client])
    await settle_marks(session, [client])
    why = f"{type(fault).__name__}: {fault}"[:LONGEST].replace("\0", "")
    log.error("client set aside", client=client, fault=why)
    given = insert(Task).values(
        client_id=client,
        kind=TaskKind.REVIEW,
        reason=f"could not be decided for: {why}"[:LONGEST],
        source=f"client:{client}:aside",
        created_at=now,
    )
    anew = {"reason": given.excluded.reason, "created_at": now, "done_at": None, "result": None}
    await session.execute(
        given.on_conflict_do_update(index_elements=[Task.source], set_=anew, where=Task.done_at.is_not(None))
    )
