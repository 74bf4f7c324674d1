"""Listening: the web application and the mailbox, in the event loop that does the rest of the work."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from bot.console.application import Room
from bot.inbox import keep_mail
from bot.polling import receiving
from bot.web import web_application
from bot.wiring import Wired
from channels.mailbox import Mailbox, MailEnvelope
from dialogs.reading.model import model


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    wired: Wired,
    listening: socket.socket,
    mailbox_at: tuple[str, int],
    mail_domain: str,
    phones: Room | None = None,
) -> AsyncIterator[Mailbox]:
    """Serve the web application and the mailbox until the block ends; `phones` are the demo's only.

    What replies are read by is at hand before the first can come: where it must be learned, that takes seconds.
    """
    await asyncio.to_thread(model)
    database, clock = wired.app.database, wired.app.clock

    async def store(raw: bytes, _envelope: MailEnvelope) -> None:
        async with database.write() as session:
            await keep_mail(session, raw, clock())

    mailbox = Mailbox(mail_domain, store)
    await mailbox.start(*mailbox_at)
    secret = wired.reception.secret if wired.reception else ""
    web = web_application(wired.app, wired.verifier, wired.desk, secret, phones, wired.api_token)
    try:
        async with _listening(web, listening), receiving(wired.app, wired.reception):
            yield mailbox
    finally:
        await mailbox.stop()


@asynccontextmanager
async def _listening(web: FastAPI, listening: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(web, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    await server.listening.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running
