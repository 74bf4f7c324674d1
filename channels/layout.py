"""Laying a speech out as text, for channels whose answers are typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from dialogs.message import Choice, Speech
from dialogs.segments import economical


def numbered(choices: Sequence[Choice]) -> list[str]:
    """One line an option, numbered from 1: the number or the words can be typed back."""
    return [f"{number} {choice.label}" for number, choice in enumerate(choices, start=1)]


def pays(choice: Choice, speech: Speech) -> bool:
    """Whether the option is the pay link by another name: where there is a link to press, it leads there at once."""
    return bool(speech.link) and choice.label == speech.link_label


def text_message(speech: Speech, plain: Collection[str] = ()) -> str:
    """Paragraphs and numbered options as lines, in a cheap spelling that reads as well.

    `plain` are the languages whose letters may be written plainly where that is cheaper.
    """
    language = speech.language.partition("-")[0]
    lines = [*speech.paragraphs, *numbered(speech.choices)]
    return economical("\n".join(lines), language if language in plain else "").strip()


def mail_text(speech: Speech) -> str:
    """A speech as the text of a mail: how to answer stands before the options, who writes at its end."""
    options = [line for line in (speech.how, *numbered(speech.choices)) if line]
    return "\n\n".join(filter(None, (letter(speech.paragraphs, options), speech.footer)))


def emphasized(html: str, speech: Speech, tag: str) -> str:
    """Escaped text in which the first sum stands out: it is what the eye looks for."""
    found = escape(speech.sum, quote=False)
    return html.replace(found, f"<{tag}>{found}</{tag}>", 1) if found else html


def letter(paragraphs: Iterable[str], options: Sequence[str]) -> str:
    """Paragraphs set apart by empty lines, the options as the last of them."""
    return "\n\n".join([*paragraphs, *(["\n".join(options)] if options else [])])
