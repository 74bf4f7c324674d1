"""Golden talks: a talk as a file, what the subscriber does given, what the bot says and books to be the same again.

A file holds one talk, or `talks` with one for each of several channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
TALK, TALKS = "talk", "talks"
Line = dict[str, Any]
"""One thing of a talk: what the bot says and books, what the subscriber answers, how many days pass, or what is done
when no answer comes.
"""
WIDTH = 118


@dataclass(frozen=True, slots=True)
class Golden:
    """One talk as it is written in a file."""

    about: str
    premise: Premise
    lines: list[Line]


def read_goldens(path: Path) -> list[Golden]:
    """The talks in a file, each on its channel. Raises DocumentError."""
    node = read(path)
    root = node.mapping(("about", "script", "language", "today", "facts"), ("channel", TALK, TALKS))
    if (TALK in root) == (TALKS in root):
        raise node.wrong(f"expected one of '{TALK}' and '{TALKS}'")
    premise = Premise(
        script=root["script"].text(),
        language=root["language"].text(),
        today=root["today"].day(),
        channel=root["channel"].word(ChannelKind) if "channel" in root else None,
        given=root["facts"].mapping((), KEYS),
    )
    talks = {premise.channel: root[TALK]} if TALK in root else _by_channel(root[TALKS])
    return [
        Golden(root["about"].text(), replace(premise, channel=channel), [_line(line) for line in talk.items()])
        for channel, talk in talks.items()
    ]


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


def written(golden: Golden, *others: Golden) -> str:
    """The file of a talk, or of talks that differ in their channel alone."""
    premise = golden.premise
    file: dict[str, Any] = {
        "about": golden.about,
        "script": premise.script,
        "language": premise.language,
        "today": premise.today.isoformat(),
        "facts": {name: node.plain() for name, node in premise.given.items()},
    }
    if others:
        file[TALKS] = {str(one.premise.channel): one.lines for one in (golden, *others)}
    else:
        file |= {} if premise.channel is None else {"channel": premise.channel.value}
        file[TALK] = golden.lines
    return yaml.safe_dump(file, allow_unicode=True, sort_keys=False, width=WIDTH)


def _by_channel(talks: Node) -> dict[ChannelKind | None, Node]:
    return {ChannelKind(channel): talk for channel, talk in talks.mapping((), tuple(ChannelKind)).items()}


def _line(node: Node) -> Line:
    line = node.mapping((), (SUBSCRIBER, BOT, "choices", "books", DAYS, SILENCE))
    if DAYS in line:
        line[DAYS].whole()
    return {name: one.plain() for name, one in line.items()}
