"""Laying a speech out as text, for channels whose answers are typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dialogs.message import Choice, Speech
from dialogs.segments import economical


def numbered(choices: Sequence[Choice]) -> list[str]:
    """One line an option, numbered from 1: the number or the words can be typed back."""
    return [f"{number} {choice.label}" for number, choice in enumerate(choices, start=1)]


def text_message(speech: Speech, *, fold_romanian: bool = False) -> str:
    """Paragraphs and numbered options as lines, in the cheapest spelling that loses nothing."""
    fold = fold_romanian and speech.language.split("-")[0] == "ro"
    return economical("\n".join([*speech.paragraphs, *numbered(speech.choices)]), fold_romanian=fold).strip()


def letter(paragraphs: Iterable[str], options: Sequence[str]) -> str:
    """Paragraphs set apart by empty lines, the options as the last of them."""
    return "\n\n".join([*paragraphs, *(["\n".join(options)] if options else [])])
