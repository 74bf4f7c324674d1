"""The event loop: uvloop where there is one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

if sys.platform == "win32":
    # psycopg cannot use the default loop there.
    LOOP = asyncio.SelectorEventLoop
else:
    import uvloop

    LOOP = uvloop.new_event_loop


T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=LOOP) as runner:
        return runner.run(work)
