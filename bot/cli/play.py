"""`amiable play`: talk to a script in the terminal, and keep the talk as a test."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.days import BadDay, read_day
from bot.clock import real_clock
from bot.play.golden import DAYS, SILENCE, SUBSCRIBER, Golden, Line, said, take, written
from bot.play.premise import KEYS, Premise, usual
from bot.play.shown import shown, standing
from bot.play.talk import Talk
from bot.settings import StoreSettings, load_settings
from dialogs.catalog import load_catalogs
from dialogs.script import Script, ScriptError, load_scripts, parse_script
from engine.calendar import local_day, zone
from engine.contact import ChannelKind
from engine.document import Node, parse, read

GOLDEN = Path("tests/conversations")
COMMANDS = "/silence lets the next thing happen that follows no answer, /day +1 lets days pass, /quit ends the talk"
OVERDUE = timedelta(days=21)
BAD_INPUT = 2
DAYS_TYPED = re.compile(r"\+?([0-9]{1,3})")
"""Days that may pass at once, as they are typed."""


class BadPlay(ValueError):
    """The talk cannot be played; the message says what is wrong, and what can be chosen."""


@dataclass(slots=True)
class _Session:
    """A talk under way, with everything that was said."""

    talk: Talk
    lei: str
    lines: list[Line] = field(default_factory=list)

    @property
    def channel(self) -> ChannelKind:
        return self.talk.premise.channel or ChannelKind.SMS

    def greet(self) -> None:
        self.lines.append(said(self.talk.opening))
        _tell([*shown(self.talk.opening, self.channel, self.lei), standing(self.talk)])

    def take(self, line: Line) -> None:
        heard = take(self.talk, line)
        self.lines += [line, said(heard)] if heard else [line]
        _tell([*(shown(heard, self.channel, self.lei) if heard else ()), standing(self.talk)])


def play(
    script: Annotated[str, typer.Argument(help="The name of a script, or the file of one.")],
    channel: Annotated[ChannelKind, typer.Option(help="How the subscriber is reached.")] = ChannelKind.SMS,
    lang: Annotated[str, typer.Option(help="The subscriber's language.")] = "en",
    facts: Annotated[
        Path | None, typer.Option(help="How the client stands: a saved talk, or a file of facts alone.")
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option(help="One fact, such as due=70 or 'promise=[70, 2026-05-13]'; may be repeated.")
    ] = None,
    today: Annotated[str, typer.Option(help="The subscriber's day, as 2026-05-11; left out: today.")] = "",
    save: Annotated[str, typer.Option(help="Keep the talk as a test under this name, or in this file (.yaml).")] = "",
) -> None:
    """Talk to a script as a subscriber would: type replies, numbers, [option], or #keys of a phone."""
    settings = load_settings(StoreSettings)
    try:
        played = _script(script)
        premise = _premise(played, channel, lang, facts, fact or (), today, settings.timezone)
        target = _target(save) if save else None
        premise.facts  # noqa: B018 - wrong facts are told before a word is said
        session = _Session(Talk(played, premise), settings.lei)
    except (BadPlay, BadDay, ScriptError) as error:
        typer.echo(f"amiable: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    try:
        session.greet()
        _converse(session)
    finally:
        if target:
            about = f"{lang} {target.stem.removeprefix(f'{lang}-').replace('-', ' ')}"
            target.write_text(written(Golden(about, premise, session.lines)), encoding="utf-8")
            typer.echo(f"Kept in {target}.")


def _converse(session: _Session) -> None:
    for typed in _typed():
        if typed == "/quit":
            return
        line = _line(session, typed)
        if line:
            session.take(line)


def _line(session: _Session, typed: str) -> Line | None:
    """What was typed, as a line of a talk; None where it is nothing to be done, which is told."""
    command, _, value = typed.partition(" ")
    if command == "/day" and (days := _days(value)) is not None:
        return {DAYS: days}
    if command == "/silence" and (rung := session.talk.next_rung) is not None:
        return {SILENCE: rung.do.value}
    if typed.startswith("/"):
        nothing = "nothing more follows if there is no answer" if command == "/silence" else COMMANDS
        typer.echo(nothing)
        return None
    pressed = session.channel is ChannelKind.VOICE and (typed.isdecimal() or typed == "*")
    return {SUBSCRIBER: f"#{typed}" if pressed else typed}


def _days(value: str) -> str | None:
    found = DAYS_TYPED.fullmatch(value)
    return found[1] if found else None


def _typed() -> Iterator[str]:
    """What is typed, line by line; what comes from a pipe is shown as if it had been typed."""
    terminal = sys.stdin.isatty()
    while True:
        if terminal:
            typer.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        if not terminal:
            typer.echo(f"> {line.rstrip()}")
        if line.strip():
            yield line.strip()


def _tell(lines: list[str]) -> None:
    typer.echo("\n".join([*lines, ""]))


def _script(name: str) -> Script:
    path = Path(name)
    if path.suffix == ".yaml":
        if not path.is_file():
            raise BadPlay(f"there is no file {path}")
        return parse_script(path.read_text(encoding="utf-8"), path.name)
    scripts = load_scripts()
    if name not in scripts:
        raise BadPlay(f"there is no script '{name}'; choose one of: {', '.join(sorted(scripts))}; or name a .yaml file")
    return scripts[name]


def _premise(
    script: Script, channel: ChannelKind, lang: str, file: Path | None, single: Sequence[str], today: str, timezone: str
) -> Premise:
    if lang not in load_catalogs():
        raise BadPlay(f"there are no texts in '{lang}'; choose one of: {', '.join(load_catalogs())}")
    given, day = _given(file)
    day = read_day(today) or day or local_day(real_clock(), zone(timezone))
    given = {**given, **dict(_single(one) for one in single)}
    given.setdefault("since", Node("since", 1, (day - OVERDUE).isoformat()))
    given = {**usual(script.matter, day), **given}
    return Premise(script.name, lang, day, channel, given)


def _given(file: Path | None) -> tuple[Mapping[str, Node], date | None]:
    """The facts of a file and its day, if it names one."""
    if file is None:
        return {}, None
    root = read(file)
    if isinstance(root.value, dict) and "facts" in root.value:
        return root.value["facts"].mapping((), KEYS), root.value["today"].day() if "today" in root.value else None
    return root.mapping((), KEYS), None


def _single(option: str) -> tuple[str, Node]:
    name, _, value = option.partition("=")
    if name not in KEYS or not value:
        raise BadPlay(f"'{option}' is not a fact; write NAME=VALUE with one of: {', '.join(KEYS)}")
    return name, parse(value, f"--fact {name}")


def _target(name: str) -> Path:
    path = Path(name) if name.endswith(".yaml") else GOLDEN / f"{name}.yaml"
    if path.exists():
        raise BadPlay(f"{path} is there already; choose another name")
    if not path.parent.is_dir():
        raise BadPlay(f"there is no folder {path.parent}; name a file, such as --save talk.yaml")
    return path
