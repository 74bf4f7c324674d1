"""The pages clients open as HTML: one language each, money and dates by Babel, headers that keep them private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_datetime
from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bot.pay.desk import PayDesk
from dialogs.catalog import SOURCE, Catalog, load_catalogs
from dialogs.render import NO_BREAK, shown_date, shown_money
from dialogs.services import PAGES, WORDS

FOLDER = Path(__file__).parent


class Stylesheet:
    """The one stylesheet. Its address changes with its content, so browsers may keep it for ever."""

    def __init__(self) -> None:
        self.content = (FOLDER / "static" / "pay.css").read_bytes()
        self.name = f"pay-{sha256(self.content).hexdigest()[:16]}.css"

    def response(self) -> Response:
        """The file as it is served."""
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(self.content, media_type="text/css", headers=headers)


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language of the pages, named in itself."""

    code: str
    name: str
    direction: str


class Pages:
    """Renders the templates of one deployment. Raises CatalogError where a language lacks its texts."""

    def __init__(self, desk: PayDesk) -> None:
        self.stylesheet = Stylesheet()
        self._desk = desk
        self._books = {code: _book(catalog) for code, catalog in load_catalogs(domain=PAGES).items()}

    @cached_property
    def tongues(self) -> Mapping[str, Tongue]:
        """The languages to choose from, by code."""
        found = {code: Locale.parse(code, sep="-") for code in self._books}
        return {
            code: Tongue(code, (locale.display_name or code).capitalize(), locale.text_direction)
            for code, locale in found.items()
        }

    def language(self, asked: str, stored: str, accepted: str) -> str:
        """The first we have of: the one asked for on the page, the client's own, the browser's; else English."""
        wanted = [asked, stored, *(part.partition(";")[0].strip() for part in accepted[:500].split(","))]
        known = list(self._books)
        found = (negotiate_locale([code], known, sep="-") for code in wanted if code)
        return next((code for code in found if code), SOURCE)

    def page(self, name: str, language: str, status: int = 200, **context: object) -> HTMLResponse:
        """The page of that template."""
        context = {"keep": "", **context}
        content = (
            self._books[language]
            .get_template(f"{name}.html")
            .render(
                tongue=self.tongues[language],
                tongues=self.tongues.values(),
                stylesheet=f"/pay/static/{self.stylesheet.name}",
                creditor=self._desk.creditor,
                hotline=self._desk.hotline.replace(" ", NO_BREAK),
                home=f"{self._desk.public_url.rstrip('/')}/",
                **context,
            )
        )
        return HTMLResponse(content, status, headers={**self.headers, "Content-Language": language})

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """What keeps a page out of caches, search engines, referrers and frames."""
        return {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
            f"form-action 'self' {self._desk.provider.pages}; base-uri 'none'; frame-ancestors 'none'",
        }

    def description(self, language: str) -> str:
        """What the provider's page says the payment is for."""
        return self._books[language].get_template("description.txt").render(creditor=self._desk.creditor).strip()


def _book(catalog: Catalog) -> Environment:
    locale = Locale.parse(catalog.language, sep="-")
    pages = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.install_gettext_translations(catalog.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    pages.globals["words"] = WORDS
    pages.filters["money"] = lambda amount: shown_money(amount, catalog)
    pages.filters["day"] = lambda day, today: shown_date(day, catalog, today, weekday=False)
    pages.filters["moment"] = lambda at, zone: _moment(at, zone, locale)
    return pages


def _moment(at: datetime, zone: str, locale: Locale) -> str:
    return format_datetime(at, "d MMMM y, HH:mm", ZoneInfo(zone), locale)
