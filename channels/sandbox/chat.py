"""A Telegram message in the hands of the sandbox, and what is to become of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html.parser import HTMLParser

from channels.sandbox.journal import Entry

TAGS = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"})


class ChatFate(StrEnum):
    """What becomes of a message."""

    TAKEN = "taken"
    BLOCKED = "blocked"
    """Answered with 403, as if the person had blocked the bot."""
    NOT_FOUND = "not_found"
    """Answered with 400: there is no such chat."""
    REFUSED = "refused"
    """Answered with 400: this one message is not taken."""
    BUSY = "busy"
    """Answered with 429 and the seconds to wait; not taken."""
    BROKEN = "broken"
    """Answered with 500; not taken."""
    LOST = "lost"
    """Taken, and the connection dropped instead of an answer."""


@dataclass(frozen=True, slots=True)
class SentButton:
    """A button below a message: `payload` comes back when it is pressed, `url` opens."""

    label: str
    payload: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class SentChat:
    """A message the sandbox took, its text without markup, `html` with it if it came with any.

    `at` is by the sandbox's clock.
    """

    chat: str
    number: int
    text: str
    buttons: tuple[tuple[SentButton, ...], ...]
    at: datetime
    html: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all buttons, in reading order."""
        return tuple(button.label for row in self.buttons for button in row)

    def button(self, wanted: str) -> SentButton | None:
        """The button with that payload or that label, with or without its number."""
        for row in self.buttons:
            for button in row:
                if wanted in (button.payload, button.label, button.label.lstrip("0123456789 ")):
                    return button
        return None

    def to_entry(self) -> Entry:
        """Plain texts, for the journal."""
        rows = [[[button.label, button.payload, button.url] for button in row] for row in self.buttons]
        return {
            "event": "chat",
            "chat": self.chat,
            "number": str(self.number),
            "text": self.text,
            "buttons": json.dumps(rows),
            "at": self.at.isoformat(),
            "html": self.html,
        }

    @classmethod
    def from_entry(cls, entry: Entry) -> SentChat:
        """The inverse of `to_entry`."""
        rows = tuple(tuple(SentButton(*button) for button in row) for row in json.loads(entry["buttons"]))
        at = datetime.fromisoformat(entry["at"])
        return cls(entry["chat"], int(entry["number"]), entry["text"], rows, at, entry.get("html", ""))


class BadMarkup(ValueError):
    """The text holds a tag Telegram does not know, or one that is not closed."""


def plain(html: str) -> str:
    """The text of Telegram's HTML. Raises BadMarkup."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    if parser.opened:
        raise BadMarkup(f"the tag {parser.opened[-1]} is not closed")
    return "".join(parser.texts)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.opened: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise BadMarkup(f"unsupported start tag {tag}")
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.opened or self.opened.pop() != tag:
            raise BadMarkup(f"unexpected end tag {tag}")
