"""The console as an application of its own, mounted below /console: its errors are pages, its headers are strict."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from bot.application import Application
from bot.console.acting import acting_routes
from bot.console.carrying import carrying_routes
from bot.console.client import NoSuchClient
from bot.console.console import Console, console_of
from bot.console.guard import NotFromHere, SignedOut
from bot.console.operating import operating_routes
from bot.console.pages import HEADERS
from bot.console.parked import NoReason, SeenTo
from bot.console.reading import reading_routes
from bot.console.signing import HOME, SIGN_IN, inside, leaving_routes, signing_routes
from bot.console.takeover import NoSuchTalk
from bot.console.watching import watching_routes
from bot.console.working import entering_routes, task_routes
from engine.work.orders import NoSuchOrder
from engine.work.worklist import Finished, NoSuchTask, Taken

log = structlog.get_logger()

REFUSALS: dict[type[Exception], tuple[int, str]] = {
    NotFromHere: (403, "That was not done"),
    NoSuchClient: (404, "No such client"),
    NoSuchTalk: (404, "No such conversation"),
    NoSuchTask: (404, "No such task"),
    NoSuchOrder: (404, "No such order"),
    SeenTo: (409, "It is seen to"),
    NoReason: (422, "A reason is missing"),
}

ROUTES = (
    signing_routes,
    leaving_routes,
    reading_routes,
    acting_routes,
    carrying_routes,
    task_routes,
    entering_routes,
    operating_routes,
    watching_routes,
)

Room = Callable[[Console], APIRouter]
"""Further pages behind the console's door, in its frame."""


def console_application(app: Application, phones: Room | None = None) -> FastAPI:
    """The ASGI application to mount at /console. `phones` are the demo's, with an entry in the rail."""
    console = console_of(app, phones=phones is not None)
    web = FastAPI(title="Amiable console", docs_url=None, redoc_url=None, openapi_url=None)
    for routes in ROUTES:
        web.include_router(routes(console))
    if phones is not None:
        web.include_router(phones(console))

    @web.get("/assets/{name}")
    async def asset(name: str) -> Response:
        return console.assets.response(name)

    @web.middleware("http")
    async def strict(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    _errors(web, console)
    return web


def _errors(web: FastAPI, console: Console) -> None:
    told = _Told(console)
    web.add_exception_handler(SignedOut, told.signed_out)
    for refusal in REFUSALS:
        web.add_exception_handler(refusal, told.refused)
    for lost in (Taken, Finished):
        web.add_exception_handler(lost, told.too_late)
    for missing in (HTTPException, RequestValidationError):
        web.add_exception_handler(missing, told.not_there)
    for fault in (SQLAlchemyError, OSError):
        web.add_exception_handler(fault, told.down)


class _Told:
    """Errors as pages: what was not done, and the way on."""

    def __init__(self, console: Console) -> None:
        self._pages = console.pages

    async def signed_out(self, request: Request, _error: Exception) -> Response:
        to = f"{SIGN_IN}?ended=1"
        if request.method == "GET":
            to += f"&to={quote(request.url.path)}"
        if request.headers.get("hx-request") == "true":
            return Response(status_code=204, headers={"HX-Redirect": to})
        return RedirectResponse(to, 303)

    async def refused(self, request: Request, error: Exception) -> Response:
        status, title = REFUSALS[type(error)]
        visit = getattr(request.state, "visit", None)
        back = inside(visit.form.get("to", "")) if visit else HOME
        return self._page(request, status, title, type(error).__doc__ or "", back)

    async def too_late(self, request: Request, error: Exception) -> Response:
        form = request.state.visit.form
        return self._pages.page(
            request, "taken", 409, lost=error, back=inside(form.get("to", "")), words=form.get("note", "")
        )

    async def not_there(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code != 404:
            return self._page(request, error.status_code, "That did not work", "Nothing was sent or changed.")
        sentence = "The address is wrong or old. Nothing was sent or changed."
        return self._page(request, 404, "There is nothing here", sentence)

    async def down(self, request: Request, error: Exception) -> Response:
        # The driver's own words only: SQLAlchemy's would carry the values of the statement, which may be personal.
        said = str(getattr(error, "orig", error))
        log.error("a page of the console failed", place=request.url.path, fault=type(error).__name__, said=said)
        sentence = "The database does not answer. Your last step was not carried out. Please try again in a minute."
        return self._page(request, 503, "Amiable is out of reach", sentence)

    def _page(self, request: Request, status: int, title: str, sentence: str, back: str = HOME) -> Response:
        return self._pages.page(request, "error", status, title=title, sentence=sentence.strip(), back=back)
