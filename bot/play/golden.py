"""Golden talks: a talk as a file, what the subscriber does given, what the bot says and books to be the same again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.play.premise import KEYS, Premise
from bot.play.shown import booked
from bot.play.talk import Heard, Talk
from dialogs.flow import Script
from engine.contact import ChannelKind
from engine.document import Node, read

SUBSCRIBER, BOT, DAYS, SILENCE = "subscriber", "bot", "days", "silence"
Line = dict[str, Any]
"""One thing of a talk: what the bot says and books, what the subscriber answers, how many days pass, or what is done
when no answer comes.
"""
WIDTH = 118


@dataclass(frozen=True, slots=True)
class Golden:
    """A talk as it is written in a file."""

    about: str
    premise: Premise
    lines: list[Line]


def read_golden(path: Path) -> Golden:
    """The talk in a file. Raises DocumentError."""
    root = read(path).mapping(("about", "script", "language", "today", "facts", "talk"), ("channel",))
    premise = Premise(
        script=root["script"].text(),
        language=root["language"].text(),
        today=root["today"].day(),
        channel=root["channel"].word(ChannelKind) if "channel" in root else None,
        given=root["facts"].mapping((), KEYS),
    )
    return Golden(root["about"].text(), premise, [_line(node) for node in root["talk"].items()])


def replay(script: Script, premise: Premise, lines: Iterable[Line]) -> list[Line]:
    """The talk as it goes now, with the same replies and silences."""
    talk = Talk(script, premise)
    played = [said(talk.opening)]
    for line in lines:
        if BOT not in line:
            heard = take(talk, line)
            played += [line, said(heard)] if heard else [line]
    return played


def take(talk: Talk, line: Line) -> Heard | None:
    """Do what a line says that is not the bot's; None where no turn comes of it."""
    if SUBSCRIBER in line:
        return talk.reply(line[SUBSCRIBER])
    if SILENCE in line:
        return talk.stay_silent()
    if DAYS in line:
        talk.wait(timedelta(days=int(line[DAYS])))
    return None


def said(heard: Heard) -> Line:
    """What a turn says and books, as a line of a talk."""
    line: Line = {BOT: [text.replace("\N{NO-BREAK SPACE}", " ") for text in heard.speech.paragraphs]}
    if heard.speech.choices:
        line["choices"] = [choice.label for choice in heard.speech.choices]
    if heard.outcomes:
        line["books"] = [booked(outcome) for outcome in heard.outcomes]
    return line


def written(golden: Golden) -> str:
    """The file of a talk."""
    premise = golden.premise
    talk: dict[str, Any] = {
        "about": golden.about,
        "script": premise.script,
        "language": premise.language,
        "today": premise.today.isoformat(),
        "facts": {name: node.plain() for name, node in premise.given.items()},
    }
    if premise.channel is not None:
        talk["channel"] = premise.channel.value
    return yaml.safe_dump(talk | {"talk": golden.lines}, allow_unicode=True, sort_keys=False, width=WIDTH)


def _line(node: Node) -> Line:
    line = node.mapping((), (SUBSCRIBER, BOT, "choices", "books", DAYS, SILENCE))
    if DAYS in line:
        line[DAYS].whole()
    return {name: one.plain() for name, one in line.items()}
