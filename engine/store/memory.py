"""How much memory a server of ours may count on, in megabytes."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may take; "max" where it may take all."""
LEAST, MOST, SHARE = 128, 4096, 8


def memory(limit: Path = LIMIT) -> int:
    """What the machine has, or this container's limit; 0 where neither can be told."""
    told = limit.read_text().strip() if limit.exists() else ""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return min(there, int(told)) // 2**20 if told.isdigit() else there // 2**20


def shared_buffers(there: int) -> int:
    """PostgreSQL's buffers on a machine with so much: an eighth, within limits. They are taken as they are filled.

    What a million clients' cases and unpaid bills are on fits into 3 GB; more is the file system's to keep.
    """
    return min(max(there // SHARE, LEAST), MOST)
