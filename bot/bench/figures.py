"""What a benchmark is asked and what it gives back: one `Figures` is one line of `amiable bench ... --json`."""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bot.settings import StoreSettings

Watch = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much; 0 of 0 where nobody knows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of a benchmark. `size` counts what the benchmark is about: clients, texts, rows."""

    settings: StoreSettings
    size: int
    profile: bool
    watch: Watch


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the same machine needs for the bare work, measured in the same run."""

    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One measured figure. `peak_mb` is None where it was not measured; `more` are fields of this benchmark alone.

    `done` is how many things the seconds were spent on, where that is not all of `size`.
    `holds` is whether what the benchmark checks beside the time is true; where it is not, the command ends with 1.
    """

    bench: str
    size: int
    seconds: float
    baseline: Baseline
    peak_mb: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    holds: bool = True
    done: int | None = None

    @property
    def per_second(self) -> float:
        """Things a second."""
        return (self.size if self.done is None else self.done) / self.seconds

    @property
    def ratio(self) -> float:
        """Ours against the baseline: 2 is twice as long."""
        return self.seconds / self.baseline.seconds

    def as_json(self) -> dict[str, Any]:
        """The object of INTERFACES, with the benchmark's own fields after it."""
        return {
            "bench": self.bench,
            "size": self.size,
            "seconds": round(self.seconds, 4),
            "per_second": round(self.per_second, 1),
            "baseline": {"what": self.baseline.what, "seconds": round(self.baseline.seconds, 4)},
            "ratio": round(self.ratio, 3),
            "peak_mb": None if self.peak_mb is None else round(self.peak_mb, 1),
            "machine": machine(),
            **self.more,
            "holds": self.holds,
        }


class Bench(Protocol):
    """A benchmark: `bench` of a module `bot.bench.<name>`. It yields each figure as soon as it is measured."""

    def __call__(self, asked: Asked, /) -> AsyncIterator[Figures]: ...


def machine() -> str:
    """The machine in general words: its kind, cores and memory, and the version of Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores{_memory()}, Python {platform.python_version()}"


def _memory() -> str:
    told = Path("/proc/meminfo")
    if not told.exists():
        return ""
    kilobytes = int(told.read_text().partition("MemTotal:")[2].split()[0])
    return f", {kilobytes / 1024**2:.0f} GB"
