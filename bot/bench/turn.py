"""Turns of talks: every reply of the golden talks, from the stored state to the words that answer it.

Beside it, the same words only read. Time is that of the processor, for a machine that does other work as well.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from bot.bench.figures import Asked, Baseline, Figures
from bot.play.golden import SUBSCRIBER, read_goldens, take
from bot.play.talk import Talk, reply_of
from dialogs.catalog import load_catalogs
from dialogs.facts import Facts
from dialogs.flow import Script
from dialogs.message import Reply, Said
from dialogs.reading.reader import read
from dialogs.render import render
from dialogs.script import load_scripts
from dialogs.state import State
from dialogs.turn import resume
from engine.contact import ChannelKind

TALKS = Path(__file__).parents[2] / "tests" / "conversations"
MEAN_MS = 2.0
ROUNDS = 2
"""All talks are gone through so often before any turn is timed: patterns are compiled when they are first needed."""


class Before(NamedTuple):
    """A reply, and all there is when it comes. The state is as the store keeps it."""

    script: Script
    state: Mapping[str, Any]
    reply: Reply
    facts: Facts
    now: datetime
    channel: ChannelKind | None


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """One figure; it holds where the mean keeps to what was promised."""
    replies = [before for path in sorted(TALKS.rglob("*.yaml")) for before in _replies(path)]
    for _ in range(ROUNDS):
        for before in replies:
            _turn(before)
    asked.watch("turns", 0, asked.size)
    spent = [_turn(replies[place % len(replies)]) for place in range(asked.size)]
    asked.watch("reading alone", 0, asked.size)
    baseline = sum(_read(replies[place % len(replies)]) for place in range(asked.size))
    mean, p95 = statistics.fmean(spent) * 1000, statistics.quantiles(spent, n=20)[-1] * 1000
    yield Figures(
        bench="turn",
        size=asked.size,
        seconds=sum(spent),
        baseline=Baseline("reading the same replies, without a talk", baseline),
        more={"replies": len(replies), "mean_ms": round(mean, 3), "p95_ms": round(p95, 3)},
        holds=mean < MEAN_MS,
    )


def _replies(path: Path) -> Iterator[Before]:
    for golden in read_goldens(path):
        talk = Talk(load_scripts()[golden.premise.script], golden.premise)
        for line in golden.lines:
            if SUBSCRIBER in line:
                premise = talk.premise
                reply = reply_of(line[SUBSCRIBER])
                yield Before(talk.script, talk.state.to_json(), reply, premise.facts, talk.now, premise.channel)
            take(talk, line)


def _turn(before: Before) -> float:
    """Seconds from the stored state to the next one, and to what is said."""
    began = time.process_time()
    turn = resume(before.script, State.from_json(before.state), before.reply, before.facts, before.now)
    render(turn.messages, before.script, before.facts, turn.state.language, load_catalogs(), before.channel)
    turn.state.to_json()
    return time.process_time() - began


def _read(before: Before) -> float:
    began = time.process_time()
    if isinstance(before.reply, Said):
        read(before.reply.text, str(before.state["language"]), before.facts.today)
    return time.process_time() - began
