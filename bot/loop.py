"""The event loop, uvloop where there is one, and how what happens in it is logged."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

if sys.platform == "win32":
    # psycopg cannot use the default loop there.
    LOOP = asyncio.SelectorEventLoop
else:
    import uvloop

    LOOP = uvloop.new_event_loop


GARBAGE = 100_000
"""Objects made before the collector looks for garbage: a request makes thousands and leaves hardly any."""

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where there is one."""
    _log_plainly()
    gc.freeze()  # what is loaded by now stays
    gc.set_threshold(GARBAGE)
    with asyncio.Runner(loop_factory=LOOP) as runner:
        return runner.run(work)


def _log_plainly() -> None:
    """Log keys and values on stderr. Tracebacks show no values of variables: those may be personal or secret."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
