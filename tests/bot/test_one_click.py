"""Unsubscribing by the link of a mail's list header: a page for people, one POST for their mail programs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime
from random import Random
from urllib.parse import quote

import httpx
import pytest
from knocking import Knock, knock, open_door
from loop import ANA_MAIL, Loop, running_loop
from sqlalchemy import text

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LINES = "select channel, what, means from consents order by id"
EVENTS = "select count(*) from inbox where provider = 'one-click'"


@pytest.fixture
async def loop(database_url: str, now: datetime) -> AsyncIterator[Loop]:
    """Ana, who has a mailbox alone, has been written to."""
    async with running_loop(database_url, now, email=ANA_MAIL) as running:
        await running.decide()
        yield running


@pytest.fixture
async def web(loop: Loop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=loop.sandbox.settings.public_url) as browser:
        yield browser


@pytest.fixture
async def address(loop: Loop) -> str:
    """Where the list header of Ana's mail leads to."""
    ((thread,),) = await loop.asks("select thread from conversations")
    return f"/stop/{thread}"


async def test_one_post_of_a_mail_program_is_an_opt_out_by_a_link_confirmed_once(
    loop: Loop, web: httpx.AsyncClient, address: str
) -> None:
    answer = await web.post(address, data=ONE_CLICK)
    assert answer.status_code == 200
    assert await loop.asks(LINES) == []
    await loop.sandbox.settle()
    assert await loop.asks(LINES) == [("email", "opted_out", "link")]
    assert await loop.asks("select c.evidence = i.provider || ':' || i.event from consents c, inbox i") == [(True,)]
    assert await loop.asks("select script from conversations order by id") == [("reminder",), ("opt_out_done",)]
    assert len(loop.read()) == 2


async def test_a_program_may_post_the_form_in_parts_as_the_standard_prefers(
    loop: Loop, web: httpx.AsyncClient, address: str
) -> None:
    assert (await web.post(address, files={"List-Unsubscribe": (None, "One-Click")})).status_code == 200
    await loop.sandbox.settle()
    assert await loop.asks(LINES) == [("email", "opted_out", "link")]


async def test_repeated_posts_are_one_event_and_one_who_came_back_can_leave_by_the_same_link(
    loop: Loop, web: httpx.AsyncClient, address: str
) -> None:
    for _ in range(3):
        await web.post(address, data=ONE_CLICK)
        await loop.sandbox.settle()
    assert await loop.asks(EVENTS) == [(1,)]
    await loop.writes("START")
    await web.post(address, data=ONE_CLICK)
    await loop.sandbox.settle()
    assert [what for _, what, _ in await loop.asks(LINES)] == ["opted_out", "opted_in", "opted_out"]
    assert await loop.asks(EVENTS) == [(2,)]


async def test_whoever_only_looks_changes_nothing(loop: Loop, web: httpx.AsyncClient, address: str) -> None:
    for looked in (
        await web.get(address),
        await web.head(address),
        await web.get(f"{address}?List-Unsubscribe=One-Click"),
    ):
        assert looked.status_code == 200
        assert looked.headers["cache-control"] == "no-store"
    await loop.sandbox.settle()
    assert await loop.asks(EVENTS) == [(0,)]
    assert await loop.asks(LINES) == []


@pytest.mark.parametrize(
    ("language", "asks", "done", "back"),
    [
        ("en", "Stop our emails?", "We will not email you any more", "“start”"),
        ("ro", "Opriți e-mailurile noastre?", "Nu vă mai trimitem e-mailuri", "„start”"),
        ("uk", "Не надсилати Вам електронних листів?", "Більше не надсилатимемо Вам листів", "«старт»"),
        ("ru", "Не присылать Вам электронные письма?", "Больше не будем присылать Вам письма", "«старт»"),
    ],
)
async def test_the_page_has_one_button_that_posts_and_says_how_to_come_back(
    loop: Loop, web: httpx.AsyncClient, address: str, language: str, asks: str, done: str, back: str
) -> None:
    page = (await web.get(f"{address}?lang={language}")).text
    assert f"<h1>{asks}</h1>" in page
    assert page.count("<button") == 1
    assert "<script" not in page
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page)
    (field,) = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page)
    answer = await web.post(action, data=dict([field]))
    assert f"<h1>{done}</h1>" in answer.text
    assert back in answer.text
    await loop.sandbox.settle()
    assert await loop.asks(LINES) == [("email", "opted_out", "link")]


async def test_the_page_speaks_the_language_of_the_talk(web: httpx.AsyncClient, address: str) -> None:
    for answer in (
        await web.get(address, headers={"accept-language": "uk"}),
        await web.post(address, data=ONE_CLICK, headers={"accept-language": "uk"}),
    ):
        assert answer.headers["content-language"] == "ro"


STRANGE = [
    "x",
    "a" * 16,
    "a" * 5_000,
    "%00",
    "a%00b",
    "%ff%fe",
    "%ED%A0%80",
    "é",
    "..%2f",
    "a b",
    "'; drop table inbox",
    "%25",
]


@pytest.mark.parametrize("token", STRANGE)
async def test_who_tries_a_token_learns_nothing_and_leaves_nothing(
    loop: Loop, web: httpx.AsyncClient, address: str, token: str
) -> None:
    place = f"/stop/{quote(token, safe='%')}"
    tried = await web.post(place, data=ONE_CLICK, headers={"accept-language": "ro"})
    looked = await web.get(place)
    if "%2f" in token:
        assert (tried.status_code, looked.status_code) == (404, 404)
    else:
        assert (tried.status_code, looked.status_code) == (200, 404)
        assert "No money" not in looked.text
        assert tried.text.replace(place, "") == (await web.post(address, data=ONE_CLICK)).text.replace(address, "")
        await loop.sandbox.settle()
        assert await loop.asks(EVENTS) == [(1,)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"List-Unsubscribe=Two-Clicks", 400),
        (b"list-unsubscribe=One-Click", 400),
        (b"\xff\xfe", 400),
        (b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Clicks\r\n--b--', 400),
        (b'name="List-Unsubscribe"' * 150, 400),
        (b"&".join(b"f%d=1" % number for number in range(500)), 400),
        (b"List-Unsubscribe=One-Click&" + b"a" * 5_000, 413),
    ],
)
async def test_only_the_form_of_one_click_unsubscribes(
    loop: Loop, web: httpx.AsyncClient, address: str, body: bytes, status: int
) -> None:
    assert (await web.post(address, content=body)).status_code == status
    assert (await web.put(address, content=body)).status_code == 405
    await loop.sandbox.settle()
    assert await loop.asks(EVENTS) == [(0,)]


async def test_whatever_is_posted_to_whatever_token_breaks_nothing_and_leaves_nothing(
    database_url: str, now: datetime
) -> None:
    draw = Random(8058)  # noqa: S311 - strange, not secret
    kinds = (b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=b", b"multipart/form-data", b"\xff")
    form = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--'
    async with open_door(database_url, now) as (web, wired):
        for _ in range(300):
            body = draw.choice((b"List-Unsubscribe=One-Click", form, draw.randbytes(draw.randrange(5_000))))
            path = b"/stop/" + quote(draw.randbytes(draw.randrange(1, 60)), safe="").encode()
            asked = Knock(path, ((b"content-type", draw.choice(kinds)),), body, draw.choice(("POST", "POST", "GET")))
            assert await knock(web, asked) < 500
        async with wired.app.database.read() as session:
            assert await session.scalar(text("select count(*) from inbox")) == 0
