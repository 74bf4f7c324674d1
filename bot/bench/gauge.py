"""What a piece of work costs: time, processor, memory, write-ahead log, and how long its transactions held rows.

The processor time of PostgreSQL is read from /proc/PID/stat of the database's own backends, its memory from RssAnon
in /proc/PID/status: what a backend has beside the shared buffers. Where there is no /proc, or the server is on another
machine, these are zero.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bot.bench.address import plain

PROC = Path("/proc")
PAUSE = 0.05
STATEMENT = 110
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PEERS = """
select pid, case when state = 'active' then query end,
       case when backend_xid is null then 0 else extract(epoch from clock_timestamp() - xact_start) end
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type in ('client backend', 'parallel worker')
"""


@dataclass(slots=True)
class Cost:
    """What some work has cost, whole when its block has ended. Seconds, megabytes of 2**20 bytes, bytes of the log.

    `longest_write` is the longest transaction that was writing: no row was held longer. `statements` tells for how
    many of the moments looked at, twenty a second, the server worked on each.
    """

    seconds: float = 0.0
    own_cpu: float = 0.0
    server_cpu: float = 0.0
    own_mb: float = 0.0
    server_mb: float = 0.0
    log_bytes: int = 0
    longest_write: float = 0.0
    statements: Counter[str] = field(default_factory=Counter)

    @property
    def cpu(self) -> float:
        return self.own_cpu + self.server_cpu

    @property
    def peak_mb(self) -> float:
        return self.own_mb + self.server_mb


@contextmanager
def cost_of(url: str) -> Iterator[Cost]:
    """Measure the block, which works on the database at `url`."""
    cost = Cost()
    with psycopg.connect(plain(url), autocommit=True) as connection:
        log = _log_position(connection)
        observer = _Observer(connection)
        _forget_peak()
        observer.start()
        cpu, began = time.process_time(), time.perf_counter()
        try:
            yield cost
        finally:
            cost.seconds = time.perf_counter() - began
            cost.own_cpu = time.process_time() - cpu
            observer.finish()
            cost.own_cpu -= observer.own_cpu
            cost.own_mb = _peak_mb()
            cost.server_cpu, cost.server_mb = observer.cpu, observer.mb
            cost.longest_write, cost.statements = observer.longest_write, observer.statements
            cost.log_bytes = _log_position(connection) - log


class _Observer(threading.Thread):
    """Looks at the backends of a database twenty times a second, and once more at the end."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(name="observer", daemon=True)
        self._connection = connection
        self._over = threading.Event()
        self._first: dict[int, float] = {pid: cpu_of(pid) for pid, *_ in self._peers()}
        self._last: dict[int, float] = dict(self._first)
        self.mb = self.longest_write = self.own_cpu = 0.0
        self.statements: Counter[str] = Counter()

    @property
    def cpu(self) -> float:
        return sum(self._last[pid] - self._first.get(pid, 0.0) for pid in self._last)

    def run(self) -> None:
        while not self._over.wait(PAUSE):
            self._look()
        self._look()
        self.own_cpu = time.thread_time()

    def finish(self) -> None:
        self._over.set()
        self.join()

    def _peers(self) -> list[tuple[int, str | None, float]]:
        return [(pid, query, float(age)) for pid, query, age in self._connection.execute(PEERS).fetchall()]

    def _look(self) -> None:
        peers = self._peers()
        for pid, query, age in peers:
            self._last[pid] = max(cpu_of(pid), self._last.get(pid, 0.0))
            self.longest_write = max(self.longest_write, age)
            if query:
                self.statements[" ".join(query.split())[:STATEMENT]] += 1
        self.mb = max(self.mb, sum(_anonymous_mb(pid) for pid, *_ in peers))


def _log_position(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    return int(row[0]) if row else 0


def cpu_of(pid: int) -> float:
    """User and system seconds of a process; 0 when it is gone or elsewhere."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _anonymous_mb(pid: int) -> float:
    return _megabytes(PROC / str(pid) / "status", "RssAnon:")


def _forget_peak() -> None:
    """Linux can begin the peak of a process anew; elsewhere it counts from the program's start."""
    try:
        (PROC / "self" / "clear_refs").write_text("5")
    except OSError:
        return


def _peak_mb() -> float:
    told = _megabytes(PROC / "self" / "status", "VmHWM:")
    return told or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _megabytes(file: Path, name: str) -> float:
    try:
        return int(file.read_text().partition(name)[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0
