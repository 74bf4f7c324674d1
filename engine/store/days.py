"""The days of clients: each client's day turns in their own zone."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text

from engine.calendar import local_day, zone
from engine.store.session import ReadSession

ZONE = text("select timezone from clients where id = :client")


async def client_day(session: ReadSession, client: int, now: datetime) -> date:
    """The day it is for the client at `now`."""
    return local_day(now, zone(str(await session.scalar(ZONE, {"client": client}))))
