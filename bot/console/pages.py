"""The console's pages as HTML: what every template is given, and headers that let a page load nothing but our own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.application import Application
from bot.console.assets import Assets
from bot.console.shown import Times, channel_word, language_name, shown_money, shown_sum, speech_preview, words
from engine.money import Money

TEMPLATES = Path(__file__).parent / "templates"
LOOK_COOKIE = "amiable-look"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
"""With no-referrer browsers would send `Origin: null` with our own forms, so the referrer stays within the site."""


class Look(StrEnum):
    """The switch between light and dark; auto follows the machine."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"

    @property
    def following(self) -> Look:
        """The next position of the switch."""
        looks = list(Look)
        return looks[(looks.index(self) + 1) % len(looks)]


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders templates. `phones` makes room in the rail for the demo's phones."""

    app: Application
    assets: Assets
    templates: Environment
    phones: bool

    def page(self, request: Request, name: str, status: int = 200, **context: object) -> HTMLResponse:
        """The page, or the fragment, of that template; `place` is its address where the request went elsewhere."""
        visit = getattr(request.state, "visit", None)
        now = visit.now if visit else self.app.clock()
        times = Times(now, ZoneInfo(self.app.timezone))
        content = self.templates.get_template(f"{name}.html").render(
            creditor=self.app.creditor,
            operator=visit.operator if visit else None,
            token=visit.token if visit else "",
            look=look_of(request),
            place=context.pop("place", request.url.path),
            whole=request.headers.get("hx-request") != "true",
            times=times,
            phones=self.phones,
            **context,
        )
        return HTMLResponse(content, status)


def pages_of(app: Application, assets: Assets, *, phones: bool) -> Pages:
    """The pages of one deployment."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["asset"] = assets.address
    templates.globals["Money"] = Money
    templates.filters.update(
        money=shown_money,
        plain_sum=shown_sum,
        words=words,
        language=language_name,
        channel=channel_word,
        preview=speech_preview,
    )
    return Pages(app, assets, templates, phones)


def look_of(request: Request) -> Look:
    """The look this browser has chosen."""
    chosen = request.cookies.get(LOOK_COOKIE, "")
    return Look(chosen) if chosen in list(Look) else Look.AUTO
