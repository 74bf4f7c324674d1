"""Clients nothing could be decided for, whatever the fault: a person is told, and the others are decided for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
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
"""More of one slice are no faults of single clients: the run stops, and nobody of the slice is set aside."""
LONGEST = 300
OF_THE_STORE = (
    *(psycopg.OperationalError, psycopg.InterfaceError, exc.TimeoutError, LeaseLost, OSError, MemoryError),
    *(psycopg.ProgrammingError, psycopg.InternalError, psycopg.NotSupportedError),
)
"""It cannot be reached, or it and the program do not fit together: never one client's."""
OF_ONE_WHO_WORKED = ("assigned_to", "assigned_at", "done_at", "done_by", "result", "person", "late_reason", "note")
"""What a task keeps of who had it and how it ended."""

log = structlog.get_logger()


def of_a_client(fault: Exception) -> bool:
    """Whether a fault may lie with one client, not with the store or the way to it."""
    return not isinstance(_origin(fault), OF_THE_STORE)


def worded(fault: Exception) -> str:
    """A fault as a line of text, without what a database says in detail: that quotes rows."""
    origin = _origin(fault)
    said = (isinstance(origin, psycopg.Error) and origin.diag.message_primary) or origin
    return f"{type(origin).__name__}: {said}"[:LONGEST].replace("\0", "")


def _origin(fault: Exception) -> BaseException:
    """What the driver said, where SQLAlchemy has wrapped it."""
    return (isinstance(fault, exc.StatementError) and fault.orig) or fault


async def set_each_aside(
    transaction: Callable[[], AbstractAsyncContextManager[WriteSession]], faults: Mapping[int, Exception], now: datetime
) -> None:
    """Set clients aside, each in a `transaction` of their own."""
    for client, fault in faults.items():
        async with transaction() as session:
            await set_aside(session, client, fault, now)


async def set_aside(session: WriteSession, client: int, fault: Exception, now: datetime) -> None:
    """Have a person look at a client.

    What has changed about them is done with until it changes again. The next daily run tries once more.
    """
    await lock_clients(session, [client])
    await settle_marks(session, [client])
    why = worded(fault)
    log.error("client set aside", client=client, fault=why)
    await have_looked_at(session, client, f"could not be decided for: {why}", f"client:{client}:aside", now)


async def have_looked_at(session: WriteSession, client: int, reason: str, source: str, now: datetime) -> None:
    """A task for a person; asked for once, and anew, free for anybody, where it was done."""
    given = insert(Task).values(
        client_id=client, kind=TaskKind.REVIEW, reason=reason[:LONGEST], source=source, created_at=now
    )
    anew = {"reason": given.excluded.reason, "created_at": now} | dict.fromkeys(OF_ONE_WHO_WORKED)
    await session.execute(
        given.on_conflict_do_update(index_elements=[Task.source], set_=anew, where=Task.done_at.is_not(None))
    )
