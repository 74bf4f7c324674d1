"""Teaching: a deployment's own examples, learned while it runs and put to use as a whole.

Learning, and comparing what changes, takes a core for a minute, so another process does it; until it is done, and
wherever the examples are at fault, replies are read as before. Each process that reads replies looks by itself: there
is no job that could be lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from dialogs.reading.evaluation import changes
from dialogs.reading.examples import BadExample, Example, laid_over, packaged
from dialogs.reading.model import Model, model_of, use
from engine.jobs import Tick

SECONDS = 5.0
LONGEST = 1800
"""Seconds after which learning is given up."""
MOST_TOLD = 20
"""Changed answers that are logged one by one."""
APART = get_context("spawn")
"""A process of its own from the start: a fork would share the connections of this one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned, and of all known replies those that are answered otherwise now, a line each."""

    model: Model
    known: int
    changed: tuple[str, ...]


def lesson(before: Sequence[Example], after: Sequence[Example]) -> Lesson:
    """Learn from examples and compare with what was learned before. Not on the thread that answers."""
    known = sorted({*before, *after})
    new = model_of(after)
    return Lesson(new, len(known), tuple(change.line for change in changes(known, model_of(before), new)))


async def lesson_apart(before: Sequence[Example], after: Sequence[Example]) -> Lesson:
    """The same in another process, which ends with this call, however it ends. Raises EOFError where it was killed."""
    here, there = APART.Pipe(duplex=False)
    learner = APART.Process(target=_answer, args=(there, before, after), daemon=True, name="teaching")
    learner.start()
    there.close()
    try:
        async with asyncio.timeout(LONGEST):
            return await asyncio.to_thread(here.recv)
    finally:
        learner.kill()


def _answer(there: Connection, before: Sequence[Example], after: Sequence[Example]) -> None:
    os.nice(10)  # whoever waits for an answer goes first
    there.send(lesson(before, after))


class Teaching:
    """Watches a folder of examples, which are laid over those of the product."""

    def __init__(self, folder: Path, examples: tuple[Example, ...] | None = None) -> None:
        self._folder = folder
        self._first = packaged() if examples is None else examples
        self._in_use = self._first
        self._looked_at = _content(())

    async def look(self) -> None:
        """Learn what was edited since the last look. Examples at fault are told of once, and change nothing."""
        content = await asyncio.to_thread(lambda: _content(sorted(self._folder.glob("*.tsv"))))
        if content == self._looked_at:
            return
        self._looked_at = content
        try:
            wanted = laid_over(self._first, await asyncio.to_thread(packaged, self._folder))
            learned = await lesson_apart(self._in_use, wanted)
        except (EOFError, TimeoutError):
            self._looked_at = ""  # the machine was at fault, not the examples: they are tried again
            log.warning("the examples were not learned: the learner was killed, or took too long")
            return
        except BadExample as fault:
            log.warning("the examples were not learned", folder=str(self._folder), fault=str(fault))
            return
        use(learned.model)
        self._in_use = wanted
        self._tell(learned)

    def _tell(self, learned: Lesson) -> None:
        stamp = learned.model.stamp[:12]
        log.info("examples learned", model=stamp, known=learned.known, changed=len(learned.changed))
        for line in learned.changed[:MOST_TOLD]:
            log.info("an answer changes", change=line)


def teaching_ticks(folder: Path | None) -> list[Tick]:
    """What a process that reads replies looks after, where the deployment has examples of its own."""
    return [Tick("teaching", SECONDS, Teaching(folder).look)] if folder else []


def _content(paths: Sequence[Path]) -> str:
    """The hash of files by name and content; a file that cannot be read is as good as an empty one."""
    digest = sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        try:
            digest.update(sha256(path.read_bytes()).digest())
        except OSError:
            continue
    return digest.hexdigest()
