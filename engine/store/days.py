"""The days of clients: each client's day turns in their own zone."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from engine.calendar import local_day, zone
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Client


async def client_day(session: ReadSession, client: int, now: datetime) -> date:
    """The day it is for the client at `now`."""
    name = await session.scalar(select(Client.timezone).where(Client.id == client))
    return local_day(now, zone(str(name)))
