"""Twilio's REST API as both of its channels use it: one request a send, nothing retried, failures in three classes.

What its codes mean is from Twilio's pages on the errors.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    TCPConnector,
)
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels.port import Busy, LookupFailed, NotSent, Record, Rejected, Uncertain, Unreached, Unreadable

TWILIO = "https://api.twilio.com"
NO_SUCH_ADDRESS = frozenset({"21211", "21214", "21217", "21614", "21635"})
"""Refusals of a request for its number, which can never be reached."""
NOBODY_THERE = frozenset({"30004", "30005", "30006"})
"""Reports of a message by which its number is unusable for good; any other failure concerns that one message."""
OPTED_OUT = frozenset({"21610"})
TOO_MANY_QUEUED = "21611"

Answer = TypeVar("Answer")
Read = Callable[[Any], Record | None]
"""Reads one entry of a list; None is none of ours. Raises Older, and what is raised by what makes no sense."""


class Older(Exception):
    """An entry is from before the time that was asked for."""


class Access(Protocol):
    """A Twilio account and where its API is; times are in seconds."""

    @property
    def account_sid(self) -> str: ...
    @property
    def auth_token(self) -> str: ...
    @property
    def api_url(self) -> str: ...
    @property
    def connect_timeout(self) -> float: ...
    @property
    def read_timeout(self) -> float: ...


class TwilioApi:
    """The SDK's client on a transport of ours. `client` makes requests; `once` and `asked` say how they ended."""

    def __init__(self, access: Access) -> None:
        self._transport = _Transport(access)
        # Both variables rewrite the host inside the SDK; a mapping that names them keeps the environment's out.
        self.client = Client(
            access.account_sid,
            access.auth_token,
            http_client=self._transport,
            environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""},
        )

    async def once(self, request: Awaitable[Answer]) -> Answer:
        """A request that makes something. Raises NotSent, Rejected or Uncertain."""
        try:
            return await request
        except (TwilioRestException, TwilioServiceException) as error:
            raise _failure(error) from None
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            raise Unreached(f"Twilio cannot be reached: {error or type(error).__name__}") from None
        except (ClientError, OSError, TwilioException, ValueError, AttributeError) as error:
            raise Uncertain(f"Twilio's answer did not come or made no sense: {error or type(error).__name__}") from None

    async def asked(self, request: Awaitable[Answer]) -> Answer:
        """A request that only looks something up. Raises LookupFailed."""
        try:
            return await request
        except (NotSent, ClientError, OSError, TwilioException, ValueError) as error:
            wait = error.retry_after if isinstance(error, Busy) else None
            raise LookupFailed(f"Twilio could not be asked: {error or type(error).__name__}", wait) from None

    async def recorded(self, listing: Awaitable[Any], read: Read) -> AsyncIterator[Sequence[Record | Unreadable]]:
        """What is on record, newest first, a page a request, until one ends with what is older. Raises LookupFailed."""
        page = await self.asked(listing)
        while page is not None:
            entries = list(_read_each(page, read))
            yield [one for one in entries if isinstance(one, Record | Unreadable)]
            over = not entries or isinstance(entries[-1], Older)
            page = None if over else await self.asked(page.next_page_async())

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._transport.close()


class _Transport(AsyncHttpClient):  # type: ignore[misc]  # the SDK carries no types
    """The SDK's way to the network: kept connections, the configured base address, time limits, no retries."""

    def __init__(self, access: Access) -> None:
        self._base = access.api_url.rstrip("/")
        self._limits = ClientTimeout(
            total=access.connect_timeout + 2 * access.read_timeout,  # an answer that trickles ends too
            connect=access.connect_timeout,  # name, connection and TLS: up to there nothing has left
            sock_read=access.read_timeout,
        )
        login = f"{access.account_sid}:{access.auth_token}"
        self._password = f"Basic {b64encode(login.encode()).decode()}"
        self._session: ClientSession | None = None
        self.is_async = True

    async def request(  # the SDK's own signature
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 the SDK's own
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 the SDK's own
    ) -> Response:
        """One request to the configured base; the limits are ours, redirects are never followed."""
        async with self._kept().request(
            method,
            self._base + uri.removeprefix(TWILIO),
            params={name: str(value) for name, value in (params or {}).items()},
            data=[(name, str(each)) for name, value in (data or {}).items() for each in _each(value)],
            headers={**(headers or {}), "Authorization": self._password},
            allow_redirects=False,
        ) as answer:
            text = await answer.text()
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            # Raised here because the SDK's own error drops the header. Twilio never processes what it answers so.
            wait = answer.headers.get("Retry-After", "")
            raise Busy("Twilio asks to slow down", float(wait) if wait.isascii() and wait.isdigit() else 5.0)
        return Response(answer.status, text, answer.headers)

    def _kept(self) -> ClientSession:
        """The session: made on first use because it belongs to the running loop. It never repeats a POST."""
        if self._session is None:
            # A carrier on loopback is never reached through a proxy.
            secure = self._base.startswith("https:")
            # The sender's pace is the bound: whoever waited here for a connection would time out as if it had sent.
            self._session = ClientSession(timeout=self._limits, connector=TCPConnector(limit=0), trust_env=secure)
        return self._session

    async def close(self) -> None:
        """Let go of the kept connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _read_each(page: Iterator[Any], read: Read) -> Iterator[Record | Unreadable | Older | None]:
    """The SDK reads an entry as it is asked for it, so that may fail too; the next one is there all the same."""
    while True:
        try:
            yield read(next(page))
        except StopIteration:
            return
        except Older as older:
            yield older
        except (TypeError, ValueError, AttributeError) as fault:
            yield Unreadable(f"a record of Twilio makes no sense: {fault}")


def _each(value: object) -> list[object]:
    """A list is sent as one field repeated, as Twilio wants it."""
    return value if isinstance(value, list) else [value]


def _failure(error: TwilioRestException | TwilioServiceException) -> NotSent | Rejected | Uncertain:
    said = error.msg if isinstance(error, TwilioRestException) else error.title
    code, reason = str(error.code or ""), f"Twilio answered {error.status}: {said}"
    if error.status >= 500 or error.status < 400:
        return Uncertain(reason)
    if code == TOO_MANY_QUEUED:
        return Busy(reason, retry_after=60.0)
    if error.status == HTTPStatus.UNAUTHORIZED:
        return Unreached(reason)
    return Rejected(reason, code, address_dead=code in NO_SUCH_ADDRESS, opted_out=code in OPTED_OUT)
