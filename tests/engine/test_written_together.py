"""What a transaction gathers is written before anything could miss it, and never when its part has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import psycopg
import pytest
from given import given_client, given_plans
from reached import given_talk
from sqlalchemy import select, text
from sqlalchemy.exc import DataError, DBAPIError

from engine.store.aside import of_a_client
from engine.store.said import Queued, Said, write_said
from engine.store.session import Database, WriteSession, at_once, pipelined
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Author, Conversation, MessageRow, Outbound

WORDS = text("select convert_from(text, 'utf8') from messages order by id")
ZONES = text("select timezone from clients order by id")
MOVE = text("update clients set timezone = :zone where ref = 'ana'")
BREAK = text("update clients set id = null where ref = 'ana'")
HOME = "Europe/Bucharest"
NOUGHT = text("select 1 / count(*) from outbound")
SLEEP = text("select pg_sleep(:seconds)")


class Cut(Exception):
    """Something goes wrong."""


async def a_talk(session: WriteSession, now: datetime) -> Conversation:
    await given_plans(session)
    await given_client(session, sms="+40711111111")
    talk = given_talk((await session.scalars(select(Address))).one(), now)
    session.add(talk)
    return talk


def said(talk: Conversation, words: str, now: datetime, queued: Queued | None = None) -> Said:
    return Said(talk, Author.CLIENT, now, {"reply": "said"}, words, queued)


async def failing(session: WriteSession, one: Said) -> None:
    async with session.savepoint():
        session.gather(write_said, one)
        raise Cut


async def words(database: Database) -> Sequence[str]:
    async with database.read() as session:
        return (await session.scalars(WORDS)).all()


async def test_a_talk_that_begins_here_says_things_in_their_order(database: Database, now: datetime) -> None:
    async with database.write() as session:
        talk = await a_talk(session, now)
        session.gather(write_said, said(talk, "how much?", now))
        session.gather(write_said, said(talk, "200 RON", now, Queued(now, now, 0, None, parting=False)))
        session.gather(write_said, said(talk, "thanks", now))
    assert await words(database) == ["how much?", "200 RON", "thanks"]
    async with database.read() as session:
        queued = (await session.scalars(select(Outbound))).one()
        message = await session.get_one(MessageRow, queued.message_id)
    assert (message.text, queued.conversation_id, queued.address_id) == ("200 RON", talk.id, talk.address_id)


async def test_whoever_asks_in_the_transaction_sees_it(database: Database, now: datetime) -> None:
    async with database.write() as session:
        talk = await a_talk(session, now)
        session.gather(write_said, said(talk, "one", now))
        assert (await session.scalars(WORDS)).all() == ["one"]
        session.gather(write_said, said(talk, "two", now))
        assert [row.text for row in await session.scalars(select(MessageRow).order_by(MessageRow.id))] == ["one", "two"]
        with session.no_autoflush:
            session.gather(write_said, said(talk, "three", now))
            assert (await session.scalars(WORDS)).all() == ["one", "two"]
    assert await words(database) == ["one", "two", "three"]


async def test_a_part_that_fails_takes_its_own_words_along_and_no_others(database: Database, now: datetime) -> None:
    async with database.write() as session:
        talk = await a_talk(session, now)
        session.gather(write_said, said(talk, "before", now))
        with pytest.raises(Cut):
            await failing(session, said(talk, "never", now))
        async with session.savepoint():
            session.gather(write_said, said(talk, "after", now))
    assert await words(database) == ["before", "after"]


async def test_nothing_is_written_of_a_transaction_that_fails(database: Database, now: datetime) -> None:
    async def fail() -> None:
        async with database.write() as session:
            session.gather(write_said, said(await a_talk(session, now), "never", now))
            raise Cut

    with pytest.raises(Cut):
        await fail()
    assert await words(database) == []


async def test_a_fault_in_a_pipeline_is_told_as_what_it_is_and_undoes_all(database: Database, now: datetime) -> None:
    async with database.write() as session:
        await a_talk(session, now)

    async def fail(*, asks: bool) -> None:
        async with database.write() as session, pipelined(session):
            await session.send(MOVE, {"zone": "Europe/Riga"})
            await session.send(BREAK, {})
            await session.send(MOVE, {"zone": "Europe/Kyiv"})
            if asks:
                await session.scalars(ZONES)

    for asks in (True, False):
        with pytest.raises((DBAPIError, psycopg.Error)) as broken:
            await fail(asks=asks)
        assert of_a_client(broken.value)
    async with database.write() as session:  # the connection is as good as ever
        assert (await session.scalars(ZONES)).all() == [HOME]


async def test_answers_in_a_pipeline_are_of_what_went_before(database: Database, now: datetime) -> None:
    async with database.write() as session:
        await a_talk(session, now)
        async with pipelined(session):
            await session.send(MOVE, {"zone": "Europe/Riga"})
            assert (await session.scalars(ZONES)).all() == ["Europe/Riga"]
            await session.send(MOVE, {"zone": "Europe/Kyiv"})
    async with database.read() as session:
        assert (await session.scalars(ZONES)).all() == ["Europe/Kyiv"]


async def test_questions_asked_at_once_are_answered_each(database: Database, now: datetime) -> None:
    async with database.write() as session:
        talk = await a_talk(session, now)
        session.gather(write_said, said(talk, "heard", now))
        zones, heard, nested = await at_once(
            session, session.scalars(ZONES), session.scalars(WORDS), at_once(session, session.scalars(ZONES))
        )
        assert (zones.all(), heard.all(), nested[0].all()) == ([HOME], ["heard"], [HOME])
    async with database.read() as session:
        for order in ((ZONES, NOUGHT, ZONES), (NOUGHT, ZONES, ZONES), (ZONES, ZONES, NOUGHT)):
            with pytest.raises(DataError, match="division by zero"):
                await at_once(session, *map(session.scalars, order))
        assert (await session.scalars(ZONES)).all() == [HOME]


async def test_who_is_cut_off_in_a_pipeline_leaves_a_sound_connection(database: Database, now: datetime) -> None:
    async with database.write() as session:
        await a_talk(session, now)

    async def slow() -> None:
        async with database.write() as session, pipelined(session):
            await session.send(MOVE, {"zone": "Europe/Riga"})
            await session.scalar(SLEEP, {"seconds": 30})

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(), 0.2)
    async with database.write() as session:
        assert (await session.scalars(ZONES)).all() == [HOME]
