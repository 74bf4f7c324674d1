"""The WebSocket of a tab. It carries signals, never data, and closes with 4401 when its session has ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from bot.console.console import Console
from bot.console.live import Tab

SIGNED_OUT = 4401
RECHECK_SECONDS = 10.0


def watching_routes(console: Console) -> APIRouter:
    """One connection a tab; the session is looked up before each signal, and now and then without one."""
    router = APIRouter()

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        if not console.guard.from_here(socket):
            await socket.close()
            return
        await socket.accept()
        async with console.live.tab() as tab:
            watching = [asyncio.create_task(_tell(socket, tab)), asyncio.create_task(_gone(socket))]
            try:
                await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _tell(socket: WebSocket, tab: Tab) -> None:
        token = socket.cookies.get(console.guard.cookie, "")
        topics: list[str] = []
        for seq in count():
            if await console.guard.who(token, console.app.clock()) is None:
                await socket.close(SIGNED_OUT)
                return
            if topics or seq == 0:
                await socket.send_json({"seq": seq, "topics": topics})
            topics = []
            with suppress(TimeoutError):
                topics = await asyncio.wait_for(tab.news(), RECHECK_SECONDS)

    async def _gone(socket: WebSocket) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await socket.receive_bytes()

    return router
