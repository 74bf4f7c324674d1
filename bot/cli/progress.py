"""How far a command has come: a progress bar on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from bot.bench.figures import Watch


@contextmanager
def watched(*columns: ProgressColumn) -> Iterator[Watch]:
    """What is told how far it is: a bar of these columns, or a line where something else begins."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plainly(console)
        return
    # What goes to a file or a pipe must not be shown above the bar instead.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)


def _plainly(console: Console) -> Watch:
    told = ""

    def watch(what: str, _done: int, _total: int) -> None:
        nonlocal told
        if what != told:
            told = what
            console.print(what, highlight=False)

    return watch
