"""The processes of a trial: begun, killed, begun again. They fork from one that has loaded everything already."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bot.loop import run

ROLES = "bot.prove.roles"
FORKING = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


class Crew:
    """Processes by name. One that ends by itself is begun again as well; `fallen` counts those."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._context: Any = multiprocessing.get_context(FORKING)  # which one it is depends on the system
        self._context.set_forkserver_preload([ROLES])
        self._works: dict[str, tuple[str, tuple[Any, ...]]] = {}
        self._processes: dict[str, BaseProcess] = {}
        self.fallen = 0

    def pipe(self) -> tuple[Any, Any]:
        """Two ends of a line to a process."""
        ours, theirs = self._context.Pipe()
        return ours, theirs

    def start(self, name: str, role: str, *with_: Any) -> None:
        """Have a process do a role."""
        self._works[name] = role, with_
        process = self._context.Process(target=_be, args=(self._log, role, with_), daemon=True)
        process.start()
        self._processes[name] = process

    def kill(self, name: str, *anew: Any) -> None:
        """kill -9, and begin anew at once, with the same as before if nothing else is given."""
        process = self._processes[name]
        process.kill()
        process.join()
        role, with_ = self._works[name]
        self.start(name, role, *(anew or with_))

    def look_after(self) -> None:
        """Begin those anew that have ended by themselves."""
        for name, process in list(self._processes.items()):
            if not process.is_alive():
                self.fallen += 1
                self.kill(name)

    def dismiss(self) -> None:
        """End them all."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.join()
        self._processes.clear()


@contextmanager
def crew(log: Path) -> Iterator[Crew]:
    """A crew that is dismissed when the block ends. What its processes say goes to a file."""
    hands = Crew(log)
    try:
        yield hands
    finally:
        hands.dismiss()


def _be(log: Path, role: str, with_: tuple[Any, ...]) -> None:
    """The beginning of a process. It ends when whoever began it is gone."""
    said = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    run(_work(role, with_))


async def _work(role: str, with_: tuple[Any, ...]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent.sentinel, os._exit, 1)
    await getattr(import_module(ROLES), role)(*with_)
