"""An SMTP server in the running event loop: what the mailbox and the sandbox relay stand on."""

from __future__ import annotations

import asyncio
import logging

from aiosmtpd.smtp import SMTP

# The library logs every dialogue, with its mail addresses, on the info level.
logging.getLogger("mail.log").setLevel(logging.WARNING)


class Listener:
    """Serves one aiosmtpd handler (its `handle_*` coroutines) on a host and port until stopped."""

    def __init__(self, handler: object, hostname: str, size_limit: int) -> None:
        self._handler, self._hostname, self._size_limit = handler, hostname, size_limit
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one. asyncio sets TCP_NODELAY on every connection. Raises OSError."""
        loop = asyncio.get_running_loop()

        def session() -> _Session:
            return _Session(
                self._open,
                self._handler,
                hostname=self._hostname,
                ident="Amiable",
                data_size_limit=self._size_limit,
                enable_SMTPUTF8=True,
                timeout=300,
                loop=loop,
            )

        self._server = await loop.create_server(session, host, port)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port it listens on."""
        if self._server is None:
            raise RuntimeError("the listener has not been started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def stop(self) -> None:
        """Stop listening and cut what is still connected."""
        if self._server is None:
            return
        self._server.close()
        for transport in tuple(self._open):
            transport.abort()
        await self._server.wait_closed()
        self._server = None


class _Session(SMTP):  # type: ignore[misc]  # the library is not typed
    """One connection, known to its listener while it lasts."""

    def __init__(self, connections: set[asyncio.Transport], handler: object, **options: object) -> None:
        super().__init__(handler, **options)
        self._connections = connections
        self._mine: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._mine = transport
        self._connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._mine is not None:
            self._connections.discard(self._mine)
        super().connection_lost(error)
