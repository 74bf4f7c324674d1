"""Keeping what is posted: together where it comes together, each once, none for another's fault."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import text

from bot.keeping import Keeper, Posted
from channels.port import Unreadable
from engine.store.session import Database


def posted(event: str, now: datetime) -> Posted:
    return Posted("twilio-status", event, now, "/s", b"x")


async def kept(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(text("select event from inbox order by event")))


async def test_what_comes_together_is_kept_together_and_once(database: Database, now: datetime) -> None:
    keeper = Keeper(database)
    await asyncio.gather(*(keeper.keep(posted(f"e{number % 20:02}", now)) for number in range(60)))
    assert await kept(database) == [f"e{number:02}" for number in range(20)]
    async with database.read() as session:
        assert await session.scalar(text("select count(distinct xmin::text) from inbox")) == 1


async def test_what_cannot_be_kept_spoils_nothing_else(database: Database, now: datetime) -> None:
    keeper = Keeper(database)
    told = await asyncio.gather(
        *(keeper.keep(posted(event, now)) for event in ("a", "b", "no\0text", "c")), return_exceptions=True
    )
    assert [type(one) for one in told] == [type(None), type(None), Unreadable, type(None)]
    assert await kept(database) == ["a", "b", "c"]


async def test_a_store_that_is_gone_is_told_to_everybody(database_url: str, now: datetime) -> None:
    gone = Database(database_url.replace("test_", "no_such_"))
    keeper = Keeper(gone)
    told = await asyncio.gather(*(keeper.keep(posted(event, now)) for event in "abc"), return_exceptions=True)
    assert all(isinstance(one, Exception) for one in told)
    with pytest.raises(Exception, match="no_such"):
        await keeper.keep(posted("d", now))
    await gone.close()


async def test_a_card_number_is_not_kept(database: Database, now: datetime) -> None:
    body = b"From=%2B40712345678&Body=my+card+is+4111+1111+1111+1111"
    await Keeper(database).keep(Posted("twilio-sms", "SM1", now, "/sms", body))
    async with database.read() as session:
        assert b"4111" not in await session.scalar(text("select raw from inbox"))
