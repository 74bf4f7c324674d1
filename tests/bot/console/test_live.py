"""Open pages are told that something changed, and only while their session lasts."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.console.live import EVERYTHING, Live
from bot.console.users import disable_user


def _socket(desk, origin: str = "") -> connect:
    cookies = "; ".join(f"{name}={value}" for name, value in desk.olga.web.cookies.items())
    address = f"{desk.url.replace('http', 'ws', 1)}/console/live"
    return connect(address, origin=origin or desk.url, additional_headers={"Cookie": cookies})


async def _topics(socket, wanted: str) -> set[str]:
    seen: set[str] = set()
    async with asyncio.timeout(30):
        while not any(topic.startswith(wanted) for topic in seen):
            seen |= set(json.loads(await socket.recv())["topics"])
    return seen


async def test_a_page_is_told_of_the_client_something_happened_to(signed_in):
    async with _socket(signed_in) as socket:
        await _topics(socket, EVERYTHING)
        await signed_in.ana_writes("hello")
        assert "portfolio" not in await _topics(socket, "client:")


async def test_a_page_of_an_ended_session_is_closed_at_the_next_signal(signed_in):
    async with _socket(signed_in) as socket:
        await _topics(socket, EVERYTHING)
        async with signed_in.database.write() as session:
            await disable_user(session, "olga", signed_in.clock())
        await signed_in.ana_writes("hello")
        with pytest.raises(ConnectionClosed) as closed:
            await _topics(socket, "nothing")
        assert closed.value.rcvd.code == 4401


async def test_a_page_without_a_session_is_closed_at_once(desk):
    async with _socket(desk) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 4401


async def test_a_page_of_another_site_is_refused(signed_in):
    with pytest.raises(InvalidStatus):
        await _socket(signed_in, origin="https://elsewhere.example").__aenter__()


async def test_the_listener_runs_only_while_a_page_is_open(database):
    live = Live(database)
    async with live.tab() as one, live.tab() as two:
        assert await asyncio.wait_for(one.news(), 30) == await asyncio.wait_for(two.news(), 30) == [EVERYTHING]
        assert live._listening is not None
    assert live._listening is None
