"""What a request must show before anything is done for it: a session, and for a change, that our own page sent it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request, WebSocket
from starlette.datastructures import Headers

from bot.application import Application
from bot.console.access import Operator, seen, signed_in
from channels.signatures import NotAForm, form_pairs

LARGEST_FORM = 32 * 1024
TOKEN = "token"  # noqa: S105 - the name of a form field


class SignedOut(Exception):
    """Your session has ended. Please sign in again."""


class NotFromHere(Exception):
    """That request did not come from a page of the console, so nothing was done. Please reload the page, try again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody signed in. `form` holds what was posted; `token` goes into every form of the page."""

    operator: Operator
    token: str
    now: datetime
    form: dict[str, str] = field(default_factory=dict)


class Guard:
    """Stands before every route of the console. Cookies follow the scheme of the public address."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.secure = app.public_url.startswith("https://")
        self.cookie = "__Host-amiable" if self.secure else "amiable"
        self._origin = _origin(app.public_url)

    async def visit(self, request: Request) -> None:
        """Let the request through with its visit in `request.state.visit`. Raises SignedOut or NotFromHere."""
        token, now = request.cookies.get(self.cookie, ""), self._app.clock()
        operator = await self.who(token, now)
        if operator is None:
            raise SignedOut
        visit = Visit(operator, form_token(token), now)
        if request.method not in ("GET", "HEAD"):
            form = await self.posted(request)
            if not hmac.compare_digest(form.pop(TOKEN, "").encode(), visit.token.encode()):
                raise NotFromHere
            visit = Visit(operator, visit.token, now, form)
        if operator.stale and not _by_itself(request):
            async with self._app.database.write() as session:
                await seen(session, token, now)
        request.state.visit = visit

    async def who(self, token: str, now: datetime) -> Operator | None:
        """Whose session token it is."""
        if not token:
            return None
        async with self._app.database.read() as session:
            return await signed_in(session, token, now)

    async def posted(self, request: Request) -> dict[str, str]:
        """The form of a post that one of our pages sent. Raises NotFromHere."""
        if not self.from_here(request):
            raise NotFromHere
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise NotFromHere
        try:
            return dict(form_pairs(body))
        except NotAForm:
            raise NotFromHere from None

    def from_here(self, request: Request | WebSocket) -> bool:
        """Whether the browser says that the request began on a page of ours; a browser that says nothing is refused."""
        headers = request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is None and origin is None:
            return False
        return site in (None, "same-origin") and (origin is None or self._ours(origin, headers))

    def _ours(self, origin: str, headers: Headers) -> bool:
        scheme = "https" if self.secure else "http"
        return origin in (self._origin, f"{scheme}://{headers.get('host', '')}")


def form_token(token: str) -> str:
    """What the forms of a session carry: nobody else can work it out, and it tells nothing of the session's token."""
    return hmac.new(token.encode(), b"form", sha256).hexdigest()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _by_itself(request: Request) -> bool:
    """Whether an open page fetches its news: that is no sign of anybody at the desk."""
    return request.method == "GET" and request.headers.get("hx-request") == "true"
