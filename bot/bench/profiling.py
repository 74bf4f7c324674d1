"""Where the time of a run goes: functions of this process by the profiler, statements of the server by looking."""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bot.bench.gauge import PAUSE, Cost

LINES = 30


@contextmanager
def profiled(*, wanted: bool) -> Iterator[None]:
    """Profile the block and tell of it on stderr, if that is wanted. It runs about twice as long meanwhile."""
    if not wanted:
        yield
        return
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        yield
    finally:
        profiler.disable()
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(LINES)


def tell_statements(cost: Cost) -> None:
    """The statements the server was seen at, the longest first, on stderr."""
    for statement, seen in cost.statements.most_common(LINES):
        sys.stderr.write(f"{seen * PAUSE:8.2f} s  {statement}\n")
