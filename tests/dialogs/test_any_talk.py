"""Whatever is written or said, a talk stands at a question, at its end, or with a person; a script loads or is refused.

2,000 talks and 2,000 scripts; `make bench` plays as many as TALKS says. All is drawn from SEED: equal runs are equal.
"""

from __future__ import annotations

import copy
import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml
from talking import NOW, OWING

from dialogs.catalog import load_catalogs
from dialogs.check import check
from dialogs.facts import MATTERS, AccountDue, Due, Facts
from dialogs.flow import AskKind, Effect, Relation
from dialogs.message import Chose, Keys, Reply, Said
from dialogs.render import render
from dialogs.script import PACKAGED, Script, ScriptError, load_scripts, parse_script
from dialogs.silence import silent
from dialogs.state import State
from dialogs.text import FACTS, Shape
from dialogs.turn import Turn, resume, start
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import Handover, OperatorRequested

TALKS = int(os.environ.get("TALKS", "2000"))
SEED = int(os.environ.get("SEED", "8"))
BATCH = 500
BATCHES = range((TALKS + BATCH - 1) // BATCH)

ACCOUNTS = (AccountDue("A1", "internet", money(60, "RON")), AccountDue("A2", "", money(60, "RON")))
THIRDS = tuple((date(2026, month, 10), money(40, "RON")) for month in (4, 5, 6))
FULL = replace(
    OWING,
    accounts=ACCOUNTS,
    upcoming_accounts=ACCOUNTS,
    consequence_on=date(2026, 3, 25),
    account_tails=("1001",),
    promised=money(30, "RON"),
    schedules={3: THIRDS},
    cancelled=money(30, "RON"),
    months_paid=10,
    months_free=2,
    **dict.fromkeys(MATTERS, Due(money(70, "RON"), date(2026, 3, 13))),
)
BARE = replace(FULL, amount_due=money(0, "RON"), accounts=(), pay_link="", promised=None, schedules={})
SAID = re.findall(
    r"\S+",
    "yes no 1 2 3 4 9 15 1001 0 stop friday tomorrow 31.04 pay promise parts paid wrong person operator русский română "
    "english так не можу nu am bani 200 lei заплачу завтра in 3 parts who are you link ? , . but help language limba "
    "half all more time mistake meant monday am greșit мова ні 👍 {name} %s <b> кредит it's because of a meter",
)
OPTIONS = (
    "pay_now",
    "promise",
    "installments",
    "more",
    "paid",
    "dispute",
    "yes",
    "no",
    "operator",
    "stop",
    "ru",
    "x",
    "accept",
)
WORDS = ("say", "ask", "go", "next", "when", "again", "options", "emit", "branch", "call", "silence", "menu", "opening")
VALUES = (
    *map(str, (*AskKind, *Effect, *Shape, *Relation)),
    *FACTS,
    "until",
    "count",
    "reason",
    "4h",
    "2",
    "+7d",
    "120",
)
LEADING = ("go", "next", "start", "lost")
MANGLED = (
    "",
    ":",
    "{",
    "}",
    "[",
    "]",
    "- ",
    '"',
    "'",
    "#",
    "&a",
    "*a",
    "!!x",
    "\t",
    "{amount}",
    "{no_such}",
    "|",
    "? ",
)


def drawn_reply(draw: random.Random) -> Reply:
    kind = draw.random()
    if kind < 0.6:
        return Said(" ".join(draw.choices(SAID, k=draw.randint(0, 5))))
    if kind < 0.75:
        return Keys("".join(draw.choices("0123456789#*", k=draw.randint(0, 4))))
    return Chose(draw.choice(OPTIONS))


def drawn_turns(draw: random.Random, script: Script, length: int) -> list[tuple[Turn, Facts]]:
    """A talk with replies, silences, stored states, and facts that change meanwhile."""
    facts, language = draw.choice((FULL, BARE)), draw.choice(("en", "ro", "uk", "ru"))
    turn = start(script, facts, language, NOW, identified=draw.random() < 0.8)
    turns = [(turn, facts)]
    for _ in range(draw.randint(0, length)):
        state = State.from_json(turn.state.to_json())
        if draw.random() < 0.1:
            facts = draw.choice((FULL, BARE, replace(FULL, today=date(2026, 3, 20))))
        unheard = silent(script, state, state.rungs, facts, NOW, turn=state.turn) if draw.random() < 0.15 else None
        turn = unheard or resume(script, state, drawn_reply(draw), facts, NOW)
        turns.append((turn, facts))
    return turns


def stands(turn: Turn) -> bool:
    """At a question, at the end, or with a person; and never without a word, but where a person takes over."""
    handed_over = any(isinstance(outcome, OperatorRequested) for outcome in turn.outcomes)
    return bool(turn.state.asked) != turn.state.done and (bool(turn.messages) or handed_over)


@pytest.mark.parametrize("batch", BATCHES)
def test_any_talk_stands_at_a_question_at_its_end_or_with_a_person(batch: int) -> None:
    scripts, catalogs = list(load_scripts().values()), load_catalogs()
    for number in range(batch * BATCH, min(TALKS, (batch + 1) * BATCH)):
        draw = random.Random(f"{SEED} talk {number}")  # noqa: S311 a seed, so that a talk can be had again
        script, channel = draw.choice(scripts), draw.choice(list(ChannelKind))
        for turn, facts in drawn_turns(draw, script, 6):
            assert stands(turn), number
            faults = [one.about for one in turn.outcomes if one == OperatorRequested(Handover.FAULT)]
            assert not faults, (number, faults)
            if facts is FULL:
                render(turn.messages, script, facts, turn.state.language, catalogs, channel)


def parts(node: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Every mapping and list of a file."""
    if isinstance(node, dict | list):
        yield node
        for part in node.values() if isinstance(node, dict) else node:
            yield from parts(part)


def rebuilt(draw: random.Random, text: str) -> str:
    """The file with one to three of its parts lost, renamed, put elsewhere, or with other values."""
    root = yaml.load(text, yaml.BaseLoader)  # noqa: S506 texts only
    steps = [*root["steps"], "menu", "promise", "paid", "installments_agreed", "more"]
    names = [*steps, *root.get("slots", {}), *WORDS, *VALUES, "reminder", "pay_link"]
    for _ in range(draw.randint(1, 3)):
        everything = [part for part in parts(root) if part]
        part, other = draw.choice(everything), draw.choice(everything)
        place = draw.choice(list(part) if isinstance(part, dict) else range(len(part)))
        ways = [(one, way) for one in everything if isinstance(one, dict) for way in LEADING if way in one]
        match draw.randrange(12):
            case way if way > 5 and ways:
                leading, key = draw.choice(ways)
                leading[key] = draw.choice(steps)
            case 0:
                del part[place]
            case 1 if isinstance(part, dict):
                part[draw.choice(names)] = part.pop(place)
            case 2 if isinstance(other, dict):
                other[draw.choice(names)] = copy.deepcopy(part[place])
            case 3:
                part[place] = copy.deepcopy(other)
            case _:
                part[place] = draw.choice(names)
    return yaml.safe_dump(root, allow_unicode=True, sort_keys=False)


def mangled(draw: random.Random, text: str) -> str:
    """The text with one to three lines lost, doubled, moved, indented otherwise, or with other words in them."""
    lines = text.splitlines()
    for _ in range(draw.randint(1, 2)):
        at = draw.randrange(len(lines))
        line = lines[at]
        match draw.randrange(8):
            case 0:
                lines[at] = ""
            case 1:
                lines.insert(draw.randrange(len(lines)), line)
            case 2:
                lines[at] = " " * draw.randint(0, 8) + line.lstrip()
            case 3:
                lines[at] = line[: draw.randrange(len(line) + 1)]
            case 4:
                lines[at] = re.sub(r"\w+", draw.choice(WORDS), line, count=1)
            case 5:
                place = draw.randrange(len(line) + 1)
                lines[at] = line[:place] + draw.choice(MANGLED) + line[place:]
            case 6:
                other = draw.randrange(len(lines))
                lines[at], lines[other] = lines[other], line
            case 7:
                lines[at] = re.sub(r": .*", f": {draw.choice((*WORDS, *MANGLED, '7', 'until', 'reminder'))}", line)
    return "\n".join(lines) + "\n"


def loaded(text: str, shared: str) -> Script | str:
    """The script, or why it is refused."""
    try:
        return parse_script(text, "mangled.yaml", shared)
    except ScriptError as error:
        return str(error)


@pytest.mark.parametrize("batch", BATCHES)
def test_any_script_is_refused_with_its_line_or_can_be_played(batch: int) -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKAGED.glob("*.yaml"))}
    names = sorted(set(files) - {"common"})
    for number in range(batch * BATCH, min(TALKS, (batch + 1) * BATCH)):
        draw = random.Random(f"{SEED} script {number}")  # noqa: S311 a seed, so that a script can be had again
        text, shared = files[draw.choice(names)], files["common"]
        wrong = mangled if draw.random() < 0.3 else rebuilt
        if draw.random() < 0.4:
            shared = wrong(draw, shared)
        else:
            text = wrong(draw, text)
        script = loaded(text, shared)
        if isinstance(script, str):
            assert re.match(r"\w+\.yaml: line \d+: .+; .+", script), number
            continue
        check({script.name: script}, {})
        assert all(stands(turn) for turn, _ in drawn_turns(draw, script, 4)), number
