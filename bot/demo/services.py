"""The demo's service system: it reads its orders by the real API and tells what became of them, as any other would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from random import Random

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.sandbox import Sandbox
from engine.plan import Verb
from engine.store.tables.casework import OrderOutcome

log = structlog.get_logger()

EVERY = timedelta(hours=3)
"""Such systems work orders off in batches; every three hours is within what Amiable waits (engine.work.orders)."""

BATCH = 200
POLL_SECONDS = 5.0
REFUSED = 0.04
REASONS = ("the line is under repair", "the account is locked by an order of ours", "no such port in our register")


def what_becomes_of(seed: int, number: int, order: str) -> dict[str, str]:
    """The acknowledgement of an order. It follows from the order's number: a restarted demo says the same."""
    luck = Random(f"{seed}:{number}:{order}")  # noqa: S311 - no secret
    if order == Verb.SUSPEND_SERVICE and luck.random() < REFUSED:
        return {"outcome": OrderOutcome.REFUSED, "note": luck.choice(REASONS)}
    return {"outcome": OrderOutcome.DONE, "reference": f"WO-{number:06d}"}


class ServiceSystem:
    """Works off what it finds, in batches or whenever it is told to."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        settings = sandbox.settings
        self._seed = seed
        self._http = ClientSession(
            settings.public_url,
            headers={"Authorization": f"Bearer {settings.api_token.get_secret_value()}"},
            timeout=ClientTimeout(10),
            raise_for_status=True,
        )
        self._next: datetime | None = None

    async def batch(self, now: datetime) -> int:
        """Work, if the hour of the next batch has come. How many orders were answered."""
        if self._next is not None and now < self._next:
            return 0
        self._next = now + EVERY
        return await self.work()

    async def work(self) -> int:
        """Answer every open order. How many there were."""
        answered = after = 0
        while True:
            async with self._http.get("/api/orders", params={"after": after, "limit": BATCH}) as answer:
                orders = await answer.json()
            for order in orders:
                said = what_becomes_of(self._seed, order["id"], order["order"])
                async with self._http.post(f"/api/orders/{order['id']}", json=said) as answer:
                    await answer.read()
                answered, after = answered + 1, order["id"]
            if len(orders) < BATCH:
                return answered

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()


@asynccontextmanager
async def service_system(sandbox: Sandbox, seed: int) -> AsyncIterator[ServiceSystem]:
    """A service system while the block runs."""
    system = ServiceSystem(sandbox, seed)
    try:
        yield system
    finally:
        await system.close()


@asynccontextmanager
async def answering(system: ServiceSystem) -> AsyncIterator[None]:
    """The system looks for orders every few seconds of real time until the block ends."""

    async def work() -> None:
        while True:
            try:
                await system.work()
            except (ClientError, TimeoutError) as error:
                log.warning("the service system could not work", fault=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    working = asyncio.create_task(work())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
