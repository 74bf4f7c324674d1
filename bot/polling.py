"""How updates of the Telegram bot come in: posted to our webhook, or polled for where no address of ours is public."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.application import Application
from bot.arrivals import TELEGRAM
from bot.inbox import keep
from channels.incoming_telegram import Unreachable

if TYPE_CHECKING:
    from channels.telegram import TelegramChannel

PATH = "/webhooks/telegram"
WAIT_SECONDS = 25
PAUSE_SECONDS = 5.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reception:
    """The bot whose updates we take. `secret` proves that a post is Telegram's; empty means polling."""

    channel: TelegramChannel
    secret: str


@asynccontextmanager
async def receiving(app: Application, reception: Reception | None) -> AsyncIterator[None]:
    """Have updates come in until the block ends. A Telegram that cannot be reached stops nothing."""
    if reception is None:
        yield
        return
    if reception.secret:
        await _announce(app, reception)
        yield
        return
    polling = asyncio.create_task(_poll(app, reception.channel))
    try:
        yield
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling


async def poll_once(app: Application, channel: TelegramChannel, offset: int, wait: int = 0) -> int:
    """Store what waits from number `offset` on; the number to go on from. Raises Unreachable.

    Telegram forgets an update when a later one is asked for, so the number moves only once the rows are stored.
    """
    updates = await channel.updates(offset, wait)
    async with app.database.write() as session:
        for update in updates:
            await keep(session, TELEGRAM, str(update.number), update.raw, app.clock())
    return max((update.number + 1 for update in updates), default=offset)


async def _announce(app: Application, reception: Reception) -> None:
    try:
        await reception.channel.listen_at(app.public_url + PATH, reception.secret)
    except Unreachable as failed:
        log.warning("Telegram was not told where to post; it goes on as it was told last", reason=str(failed))


async def _poll(app: Application, channel: TelegramChannel) -> None:
    offset, posting = 0, True
    while True:
        try:
            if posting:
                await channel.stop_posting()
                posting = False
            offset = await poll_once(app, channel, offset, WAIT_SECONDS)
        except (Unreachable, SQLAlchemyError, OSError) as failed:
            log.warning("Telegram could not be polled", reason=str(failed))
            await asyncio.sleep(PAUSE_SECONDS)
