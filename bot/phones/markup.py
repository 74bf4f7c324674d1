"""Texts of carriers as safe HTML: what is not on the list of allowed tags is shown as text or left out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markupsafe import Markup, escape

from channels.sandbox.chat import TAGS

ADDRESS = re.compile(r"https?://[^\s<>\"']+")
TRAILING = ".,;:!?)»”"
PAY_PAGE = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::\d+)?(?=/pay/)")
"""Where pay pages were at the time of sending: the demo's port changes with each start."""
LINK = Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>')
AS_SHOWN = '<base target="_blank"><style>body{overflow-wrap:anywhere}</style>'


def at_home(text: str, public_url: str) -> str:
    """The text with the addresses of pay pages as they are now."""
    return PAY_PAGE.sub(public_url.rstrip("/"), text)


def linked(text: str) -> Markup:
    """Plain text with its addresses as links."""
    parts, done = [], 0
    for found in ADDRESS.finditer(text):
        address = found[0].rstrip(TRAILING)
        parts += [escape(text[done : found.start()]), LINK.format(address)]
        done = found.start() + len(address)
    return Markup("").join([*parts, escape(text[done:])])


def chat_markup(html: str) -> Markup:
    """A chat's HTML, of which the tags Telegram knows are kept, without attributes but the address of a link."""
    parser = _Allowed()
    parser.feed(html)
    parser.close()
    ends = [Markup(f"</{tag}>") for tag in reversed(parser.opened)]  # noqa: S704 one of TAGS
    return Markup("").join([*parser.parts, *ends])


def as_shown(html: str) -> str:
    """A mail's HTML as mail programs show it: links open a page of their own, long addresses break."""
    head, found, rest = html.partition("<head>")
    return f"{head}{found}{AS_SHOWN}{rest}" if found else AS_SHOWN + html


class _Allowed(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Markup] = []
        self.opened: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data) if "a" in self.opened else linked(data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            return
        address = dict(attrs).get("href") or ""
        if tag != "a":
            self.parts.append(Markup(f"<{tag}>"))  # noqa: S704 one of TAGS
        elif ADDRESS.fullmatch(address):
            self.parts.append(Markup('<a href="{}" target="_blank" rel="noopener">').format(address))
        else:
            return
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.opened and self.opened[-1] == tag:
            self.parts.append(Markup(f"</{self.opened.pop()}>"))  # noqa: S704 one of TAGS
