"""Giving people work."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text

from engine.plan import TaskKind
from engine.store.session import WriteSession

GIVE = text("""
insert into tasks (client_id, kind, reason, source, created_at, due_on)
values (:client, :kind, :reason, :source, :now, :due_on)
on conflict do nothing returning id
""")


async def give_task(
    session: WriteSession,
    client: int,
    kind: TaskKind,
    reason: str,
    source: str,
    now: datetime,
    due_on: date | None = None,
) -> bool:
    """Have a person do something about a client, once for a source. False where the source has been given before.

    Nothing is to be done before `due_on`, a day of the client's.
    """
    what = {"client": client, "kind": kind.value, "reason": reason, "source": source, "now": now, "due_on": due_on}
    return await session.scalar(GIVE, what) is not None
