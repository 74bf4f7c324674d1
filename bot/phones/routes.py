"""The phones page of the demo: a visitor sees what reaches a subscriber, and answers in their place."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import ChoiceLoader, FileSystemLoader

from bot.console.application import Room
from bot.console.assets import Assets
from bot.console.console import Console
from bot.console.guard import Visit
from bot.console.pages import HEADERS, TEMPLATES, Pages
from bot.console.shown import Times
from bot.phones.hands import Deed, Hands, NotPossible, keys_of, reached
from bot.phones.markup import as_shown, at_home
from bot.phones.pocket import addresses_of, client_of, likely, pocket
from bot.sandbox import BOT_NAME, OUR_NUMBER, Sandbox
from channels.twiml import LOCALES
from engine.contact import ChannelKind
from engine.store.tables.portfolio import Address, Client

FOLDER = Path(__file__).parent
FILES = {"phones.css": FOLDER / "static" / "phones.css", "phones.js": FOLDER / "static" / "phones.js"}
HOME = "/console/phones"
LONGEST = 1000
FRAMED = f"{HEADERS['Content-Security-Policy']}; frame-src 'self'"
MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail may look as it likes, and do nothing but open its links in a page of their own."""


def phones_routes(sandbox: Sandbox) -> Room:
    """Room for the phones in the console of a sandbox. From now on its telephones ring until a visitor answers."""
    sandbox.carriers.calls.by_hand = True

    def room(console: Console) -> APIRouter:
        router = APIRouter(prefix="/phones", dependencies=[Depends(from_this_machine), Depends(console.guard.visit)])
        hands, files = Hands(sandbox), Assets(FILES, f"{HOME}/files")
        show = Showing(sandbox, hands, _pages(console.pages, files))
        _looking(router, show, files)
        _writing(router, show)
        _telephoning(router, show)
        return router

    return room


async def from_this_machine(request: Request) -> None:
    """Nobody but the person at this machine holds the phones. Raises HTTPException 404."""
    host = request.client.host if request.client else ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise HTTPException(404)


class Showing:
    """The page of one subscriber's phones, whole or only what changes by itself."""

    def __init__(self, sandbox: Sandbox, hands: Hands, pages: Pages) -> None:
        self.sandbox, self.hands, self.pages = sandbox, hands, pages
        self.app = sandbox.wired.app

    async def phones(self, request: Request, ref: str, name: str = "phones", refused: str = "") -> Response:
        """A page of that client. Raises NoSuchClient."""
        visit: Visit = request.state.visit
        async with self.app.database.read() as session:
            client = await client_of(session, ref)
            held = await pocket(session, self.sandbox, self.hands, client, visit.now)
        page = self.pages.page(
            request,
            name,
            pocket=held,
            local=Times(visit.now, held.zone),
            voice=LOCALES.get(client.language.partition("-")[0], client.language),
            ours={"sms": OUR_NUMBER, "voice": OUR_NUMBER, "telegram": f"@{BOT_NAME}", "email": self._mail},
            base=f"{HOME}/{quote(client.ref, safe='')}",
            refused=refused,
        )
        page.headers["Content-Security-Policy"] = FRAMED
        return page

    async def after(self, request: Request, ref: str, done: Awaitable[None], part: str) -> Response:
        """What follows a deed: the fresh screens, or for a browser without scripts the page again."""
        refused = ""
        try:
            await done
        except NotPossible as error:
            refused = type(error).__doc__ or ""
        by_script = request.headers.get("hx-request") == "true"
        if by_script or refused:
            name = "screens" if by_script else "phones"
            return await self.phones(request, ref, name, refused)
        return RedirectResponse(f"{HOME}/{quote(ref, safe='')}#{part}", 303)

    @property
    def _mail(self) -> str:
        return f"billing@{self.sandbox.settings.mail_domain}"


def _looking(router: APIRouter, show: Showing, files: Assets) -> None:
    @router.get("")
    async def choose(request: Request, q: str = "") -> Response:
        async with show.app.database.read() as session:
            found = await likely(session, q[:200], request.state.visit.now)
        return show.pages.page(request, "choose", found=found, asked=q[:200])

    @router.get("/files/{name}")
    async def file(name: str) -> Response:
        return files.response(name)

    @router.get("/{ref}")
    async def phones(request: Request, ref: str) -> Response:
        return await show.phones(request, ref)

    @router.get("/{ref}/screens")
    async def screens(request: Request, ref: str) -> Response:
        return await show.phones(request, ref, "screens")

    @router.get("/{ref}/mails/{mail}")
    async def formatted(ref: str, mail: str) -> Response:
        sent = next((one for one in show.sandbox.carriers.relay.sent if one.id == mail), None)
        if sent is None or not sent.html:
            raise HTTPException(404)
        html = as_shown(at_home(sent.html, show.sandbox.settings.public_url))
        return HTMLResponse(html, headers={"Content-Security-Policy": MAIL})


def _writing(router: APIRouter, show: Showing) -> None:
    hands = show.hands
    ways = {
        ChannelKind.SMS: hands.write_sms,
        ChannelKind.EMAIL: hands.write_mail,
        ChannelKind.TELEGRAM: hands.write_chat,
    }

    @router.post("/{ref}/write/{kind}")
    async def write(request: Request, ref: str, kind: ChannelKind) -> Response:
        async def done() -> None:
            words = request.state.visit.form.get("words", "").strip()[:LONGEST]
            if not words or kind not in ways:
                raise NotPossible
            client, addresses = await _who(show, ref)
            await ways[kind](client, reached(addresses, kind), words)

        return await show.after(request, ref, done(), kind)

    @router.post("/{ref}/press")
    async def press(request: Request, ref: str) -> Response:
        async def done() -> None:
            client, addresses = await _who(show, ref)
            payload = request.state.visit.form.get("payload", "")
            await hands.press_button(client, reached(addresses, ChannelKind.TELEGRAM), payload)

        return await show.after(request, ref, done(), ChannelKind.TELEGRAM)

    @router.post("/{ref}/join")
    async def join(request: Request, ref: str) -> Response:
        async def done() -> None:
            client, addresses = await _who(show, ref)
            if ChannelKind.TELEGRAM in addresses:
                raise NotPossible
            await hands.join_chat(client)

        return await show.after(request, ref, done(), ChannelKind.TELEGRAM)


def _telephoning(router: APIRouter, show: Showing) -> None:
    @router.post("/{ref}/telephone")
    async def telephone(request: Request, ref: str) -> Response:
        async def done() -> None:
            form = request.state.visit.form
            try:
                deed = Deed(form.get("deed", ""))
            except ValueError as error:
                raise NotPossible from error
            words = keys_of(form.get("keys", "")) if deed is Deed.PRESS else form.get("words", "").strip()[:LONGEST]
            if deed in {Deed.PRESS, Deed.SPEAK} and not words:
                raise NotPossible
            _, addresses = await _who(show, ref)
            await show.hands.telephone(reached(addresses, ChannelKind.VOICE), deed, words)

        return await show.after(request, ref, done(), ChannelKind.VOICE)


async def _who(show: Showing, ref: str) -> tuple[Client, Mapping[ChannelKind, Address]]:
    async with show.app.database.read() as session:
        client = await client_of(session, ref)
        return client, await addresses_of(session, client.id)


def _pages(console: Pages, files: Assets) -> Pages:
    """The console's pages and ours, in its frame."""
    loader = ChoiceLoader([FileSystemLoader(FOLDER / "templates"), FileSystemLoader(TEMPLATES)])
    templates = console.templates.overlay(loader=loader)
    templates.globals = {**templates.globals, "file": files.address}
    return replace(console, templates=templates)
