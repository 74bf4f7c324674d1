"""What passes between a script and a channel: typed replies in, typed messages out. No wording, no carrier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.money import Money

Schedule = tuple[tuple[date, Money], ...]
"""Payments agreed or offered, each with its last day, in their order."""

Value = Money | date | int | str | Schedule
"""A value a text may show: rendered by Babel in the language of the talk, never as the code prints it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Free text, as typed or as heard."""

    text: str


@dataclass(frozen=True, slots=True)
class Chose:
    """A button, a link or a menu entry, by the option's id: exact, nothing to understand."""

    option: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Digits pressed on a phone."""

    digits: str


Reply = Said | Chose | Keys


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer. `id` is what comes back as Chose; its label is the text of that key in the script."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say. `key` names a text of the script; `args` are values bound by the turn.

    Placeholders not bound in `args` are business facts, read afresh when the message is rendered, so that an
    amount said is the amount owed at that moment.
    """

    key: str
    args: Mapping[str, Value] = field(default_factory=dict)
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """An option in words; `spoken` is how it is offered to the ear, with its key, where the channel is a voice."""

    id: str
    label: str
    spoken: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """A rendered turn, in one language and for no channel in particular: an adapter lays it out.

    `link` is the pay link if a paragraph holds it; channels with markup show it as a button or an anchor as well.
    `sum` is the first sum said, as it is written, for channels that can set it off.
    `subject` and `preview` name no debt and no amount: they are read on lock screens by others (identity before debt).
    `how` tells how to answer with an option, `footer` who writes and how to make sure of it; both for mail alone.
    """

    language: str
    paragraphs: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    link: str = ""
    link_label: str = ""
    sum: str = ""
    subject: str = ""
    preview: str = ""
    how: str = ""
    footer: str = ""
