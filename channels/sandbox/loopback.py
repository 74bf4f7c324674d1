"""The common part of carriers that speak HTTP: a server on loopback, a journal, and what is owed to the application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from channels.sandbox.journal import Entry, Journal
from channels.sandbox.outbox import Outbox, Owing, Parcel

WAIT = ClientTimeout(total=15)


class HttpCarrier(Owing, ABC):
    """Runs in the caller's event loop. `public_url` is where the application listens; it may be set after the start.

    `now` is the clock that dates what the carrier keeps; `journal` the file it survives a kill by, or None.
    """

    def __init__(self, public_url: str, now: Callable[[], datetime], journal: Path | None) -> None:
        self.public_url = public_url
        self._now = now
        self._journal = Journal(journal)
        self._outbox = Outbox(self._journal, self._hand_over)
        self._runner: web.AppRunner | None = None
        self._client: ClientSession | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take up the journal and listen; port 0 takes any free one. Raises OSError."""
        entries = self._journal.open()
        self._recall(entries)
        app = web.Application()
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._outbox.resume(entries)

    @property
    def url(self) -> str:
        """The base address it listens on."""
        if self._runner is None:
            raise RuntimeError("the carrier has not been started")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop at once, as a killed process would: what is still owed waits in the journal."""
        await self._outbox.stop()
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._journal.close()

    @abstractmethod
    def _routes(self) -> Sequence[web.RouteDef]: ...

    @abstractmethod
    def _recall(self, entries: list[Entry]) -> None: ...

    @abstractmethod
    def _headers(self, url: str, body: str) -> Mapping[str, str]: ...

    def _session(self) -> ClientSession:
        if self._client is None:
            self._client = ClientSession(timeout=WAIT, connector=TCPConnector(limit=32))
        return self._client

    def _below_public(self, url: str) -> str:
        """The path of a URL of the application, so that the post finds it after a move to another port."""
        base = self.public_url.rstrip("/")
        return url.removeprefix(base) if base and url.startswith(base + "/") else url

    async def _hand_over(self, parcel: Parcel) -> bool:
        url = self.public_url.rstrip("/") + parcel.to if parcel.to.startswith("/") else parcel.to
        try:
            async with self._session().post(
                url, data=parcel.body.encode(), headers=self._headers(url, parcel.body), allow_redirects=False
            ) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (ClientError, TimeoutError, OSError, ValueError):
            return False
