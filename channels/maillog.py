"""The log of a Postfix relay, read backwards for one message: whether it was taken.

Postfix writes the Message-ID with its queue's id as it reads the headers, and the queue's id with `from=<` once the
whole mail is safely in the queue, before it says so (cleanup(8), qmgr(8)). Only both together mean that it was taken.
"""

from __future__ import annotations

import re
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

QUEUE = re.compile(rb"([0-9A-Za-z]{6,24}): $")
LINE = 1000
"""So long before the Message-ID its line began, at most."""
BLOCK = 1024 * 1024
FURTHEST = 256 * BLOCK
"""So much of a log's end is read, some days of a busy relay; what stands before it tells nothing."""


def took(log: Path, message: str) -> bool:
    """Whether the relay took the mail with this Message-ID, angle brackets included, by this log or the one before it.

    A log that is not there or cannot be read tells nothing, nor what is cut off it meanwhile. Reads files: not for the
    event loop.
    """
    return any(_took(file, f"message-id={message}".encode()) for file in (log, log.with_name(f"{log.name}.1")))


def _took(log: Path, named: bytes) -> bool:
    try:
        with log.open("rb") as file:
            at = _last(file, named)
            if at is None:
                return False
            before = max(0, at - LINE)
            file.seek(before)
            queue = QUEUE.search(file.read(at - before))
            return queue is not None and _follows(file, b": %s: from=<" % queue[1])
    except OSError:
        return False


def _last(file: BinaryIO, named: bytes) -> int | None:
    """Where these bytes stand last. Blocks overlap by as much: none that lie across two are missed."""
    end = file.seek(0, SEEK_END)
    for start in range(end - BLOCK, max(0, end - FURTHEST) - BLOCK, -BLOCK):
        first = max(0, start)
        file.seek(first)
        found = file.read(start + BLOCK + len(named) - first).rfind(named)
        if found >= 0:
            return first + found
    return None


def _follows(file: BinaryIO, wanted: bytes) -> bool:
    """Whether these bytes stand anywhere after where the file is read now."""
    kept = b""
    while block := file.read(BLOCK):
        text = kept + block
        if wanted in text:
            return True
        kept = text[-len(wanted) :]
    return False
