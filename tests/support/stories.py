"""Stories that hypothesis makes up, each played in a transaction of which nothing stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from given import PLAN, given_plans
from sqlalchemy import TextClause, text

from engine.store.session import Database, WriteSession


class _Undone(Exception):
    """The story is over; nothing of it stays."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A loop and a database of a test's own: hypothesis plays many stories within one test."""

    runner: asyncio.Runner
    database: Database

    def play(self, story: Callable[[WriteSession], Awaitable[None]]) -> None:
        """Play a story to its end, and undo it."""
        self.runner.run(self._play(story))

    async def _play(self, story: Callable[[WriteSession], Awaitable[None]]) -> None:
        with suppress(_Undone):
            async with self.database.write() as session:
                await story(session)
                raise _Undone

    async def prepare(self, plans: str) -> None:
        """Put plans in force, for every story."""
        async with self.database.write() as session:
            await given_plans(session, plans)


@contextmanager
def set_stage(database_url: str, plans: str = PLAN) -> Iterator[Stage]:
    """A stage with plans in force."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stage = Stage(runner, Database(database_url))
        runner.run(stage.prepare(plans))
        yield stage
        runner.run(stage.database.close())


def breaches(never: Mapping[str, str]) -> TextClause:
    """A query for what has happened of all that never may: by its sentence, the query that would find a row."""
    return text("\nunion all\n".join(f"select '{what}' where exists ({query})" for what, query in never.items()))
