"""`amiable bench inbound`: a signed status report, verified and kept for good, beside an endpoint that only reads.

Both are called as the server would call them, without a network, so many at a time as a carrier posts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from bot.bench.figures import Asked, Baseline, Figures
from bot.bench.queued import IdleCarrier, application, queue
from bot.bench.stores import bench_stores
from bot.routes.webhooks import webhook_routes
from channels.signatures import FORM, TwilioVerifier, form_pairs, sign_form
from engine.store.session import Database

PUBLIC, TOKEN = "https://pay.example.com", "bench"
AT_ONCE = 64
PATH = "/webhooks/twilio/status/"

Message = MutableMapping[str, Any]
Call = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Post:
    """One signed request."""

    path: str
    body: bytes
    signature: str

    async def to(self, web: Call) -> int:
        """Send it; the status of the answer."""
        headers = [(b"content-type", FORM.encode()), (b"x-twilio-signature", self.signature.encode())]
        path = self.path.encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": self.path,
            "raw_path": path,
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("pay.example.com", 443),
        }
        status = 0

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await web(scope, receive, send)
        return status


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """One figure; it holds if every report was taken and is in the store once."""
    posts = [_post() for _ in range(asked.size)]
    with bench_stores(asked.settings) as stores, stores.copy(await queue(stores, 1)) as url:
        async with application(url, IdleCarrier(), AT_ONCE) as app:
            web = FastAPI()
            web.include_router(webhook_routes(app, TwilioVerifier(PUBLIC, [TOKEN])))
            asked.watch("the bare endpoint", 0, 0)
            bare, read = await _posted(_bare(), posts)
            asked.watch("webhooks", 0, 0)
            seconds, taken = await _posted(web, posts)
            kept = await _kept(app.database)
    holds = read == taken == kept == asked.size
    told = {"of_bare": round(bare / seconds, 3), "at_once": AT_ONCE}
    yield Figures("inbound", asked.size, seconds, Baseline("a bare endpoint", bare), more=told, holds=holds)


def _post() -> Post:
    sid = f"SM{uuid4().hex}"
    form = {"SmsSid": sid, "SmsStatus": "sent", "MessageStatus": "sent", "To": "+40712345678", "MessageSid": sid}
    body = urlencode(form | {"AccountSid": f"AC{uuid4().hex}", "From": "+12025550100", "ApiVersion": "2010-04-01"})
    path = f"{PATH}{uuid4()}"
    return Post(path, body.encode(), sign_form(TOKEN, PUBLIC + path, form_pairs(body.encode())))


def _bare() -> FastAPI:
    """What any program on this stack does at least: the body is read, and answered."""
    web = FastAPI()

    @web.post(PATH + "{attempt}")
    async def status(request: Request, attempt: str) -> Response:
        await request.body()
        return Response(status_code=204 if attempt else 404)

    return web


async def _posted(web: Call, posts: Sequence[Post]) -> tuple[float, int]:
    """How long it takes, and how many were taken."""
    waiting = iter(posts)
    began = perf_counter()
    taken = await asyncio.gather(*(_caller(web, waiting) for _ in range(AT_ONCE)))
    return perf_counter() - began, sum(taken)


async def _caller(web: Call, waiting: Iterator[Post]) -> int:
    taken = 0
    for post in waiting:
        taken += await post.to(web) == 204
    return taken


async def _kept(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(text("select count(*) from inbox")) or 0)
