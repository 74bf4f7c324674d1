"""One PostgreSQL server over one data directory: made, started, asked, stopped by the programs of PostgreSQL itself.

Its pid file is never the proof of life: a server is ready when it answers `select 1`, and a killed postmaster that
nobody has reaped yet (a container without an init process) is dead although its process id still exists.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from time import monotonic, sleep

import psycopg

from engine.store.binaries import ClusterFailed
from engine.store.home import Home
from engine.store.memory import memory, shared_buffers

Tell = Callable[[str], None]

SUPERUSER = "amiable"
PORT = 5432
LOG = "data/server.log"
PATIENCE = 600.0
SILENCE = 15.0
LOG_BYTES = 10_000_000
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
# max_parallel_*: parallel workers share memory in /dev/shm, which containers keep at 64 MB, and gain nothing here.
SETTINGS = """\
listen_addresses = ''
port = {port}
unix_socket_directories = {sockets}
unix_socket_permissions = 0700
hba_file = {hba_file}
max_connections = 100
shared_buffers = '{buffers}MB'
max_wal_size = '4GB'
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
log_checkpoints = off
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
"""
ACCESS = "# Only the socket, in a folder that only the server's user can enter.\nlocal all all trust\n"
STILL_IN_USE = "is still in use"


class State(Enum):
    """How a server answers: not at all, not yet (starting, recovering, stopping, full), or as it should."""

    DOWN = auto()
    BUSY = auto()
    READY = auto()


def waiting(tell: Tell, sentence: str) -> Iterator[float]:
    """The seconds gone by, again and again for ten minutes; after the first second it says so, then every five."""
    begin, next_word = monotonic(), 1.0
    while (passed := monotonic() - begin) < PATIENCE:
        if passed >= next_word:
            tell(f"{sentence} ({passed:.0f} s so far)")
            next_word += 5
        yield passed
        sleep(min(0.01 + passed / 20, 0.25))


def live_postmaster(data: Path) -> int | None:
    """The process id of the server over `data`; None if there is none, or only a zombie or a stranger with its id."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    alive = _is_live(pid, data) if Path("/proc/self/stat").exists() else _is_live_by_ps(pid)
    return pid if alive else None


def _is_live(pid: int, data: Path) -> bool:
    process = Path("/proc") / str(pid)
    try:
        name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
        if name != "postgres" or rest.split()[0] in {"Z", "X"}:
            return False
        return (process / "cwd").readlink() == data.resolve()
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:  # root without CAP_SYS_PTRACE, as in Docker: the name and state must do
        return True


def _is_live_by_ps(pid: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "postgres" in told.stdout and not told.stdout.lstrip().startswith("Z")


@dataclass(frozen=True, slots=True)
class Server:
    """The server of a home; `tree` holds its programs, `sockets` is the folder of its socket.

    `durable` holds from the next start of the server on, not for one that is running.
    """

    home: Home
    tree: Path
    sockets: Path
    durable: bool

    def bring_up(self, tell: Tell) -> None:
        """Return when the server answers `select 1`: started, or found running. Recovery may take minutes."""
        clock = waiting(tell, "PostgreSQL is starting or replaying its log")
        for passed in clock:
            state = self.state()
            if state is State.READY:
                return
            if state is State.BUSY:
                continue
            pid = live_postmaster(self.home.data)
            if pid is None:
                self._create()
                self._configure()
                self._launch(clock)
            elif passed > SILENCE:
                raise ClusterFailed(
                    f"PostgreSQL runs (process {pid}) but its socket in {self.sockets} does not answer",
                    f"Stop it with: kill -INT {pid}",
                )
        raise self._failed(f"PostgreSQL was not ready within {PATIENCE / 60:.0f} minutes", since=0)

    def state(self) -> State:
        """How the server answers now, by its socket alone."""
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(2)
            try:
                knock.connect(str(socket_file(self.sockets)))
            except (FileNotFoundError, ConnectionRefusedError):
                return State.DOWN
            except (TimeoutError, BlockingIOError):
                return State.BUSY
        try:
            with psycopg.connect(
                host=str(self.sockets), port=PORT, user=SUPERUSER, dbname="postgres", connect_timeout=5
            ) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return State.BUSY
        return State.READY

    def stop(self, tell: Tell) -> None:
        """Stop the server: open transactions are rolled back, everything committed is on disk."""
        if live_postmaster(self.home.data) is not None:
            self._end(tell)
        if self.sockets != self.home.data:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _end(self, tell: Tell) -> None:
        with self._program("pg_ctl", "stop", "--silent", "--mode", "fast", "--no-wait", "-D", "data") as ctl:
            ctl.communicate()
        for _ in waiting(tell, "PostgreSQL is stopping"):
            if live_postmaster(self.home.data) is None:
                return
        raise self._failed("PostgreSQL did not stop", since=0)

    def _create(self) -> None:
        """Make the data directory if there is none; one left unfinished by a kill is made anew."""
        if self.home.data.is_dir():
            return
        for unfinished in self.home.path.glob("data.*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix="data.", dir=self.home.path))
        self.home.give(unfinished)
        with self._program(
            "initdb", "-D", unfinished.name, "--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ) as initdb:  # fmt: skip
            said = initdb.communicate()[0]
        if initdb.returncode != 0:
            raise ClusterFailed(f"PostgreSQL could not make its data directory: {said.strip()}", "Is the disk full?")
        unfinished.rename(self.home.data)

    def _configure(self) -> None:
        access = self.home.path / "pg_hba.conf"
        settings = self.home.path / "postgresql.conf"
        access.write_text(ACCESS)
        switch = "on" if self.durable else "off"
        settings.write_text(
            SETTINGS.format(
                port=PORT,
                sockets=_quoted(self.sockets),
                hba_file=_quoted(access),
                durable=switch,
                buffers=shared_buffers(memory()),
            )
        )
        for path in (access, settings):
            path.chmod(0o644)

    def _launch(self, clock: Iterator[float]) -> None:
        """Start the server. Returns too if another start was first, or a killed server's processes are still ending."""
        log = self.home.path / LOG
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.rename(log.with_name("server.log.old"))
        since = log.stat().st_size if log.exists() else 0
        self._forget_the_dead()
        with self._program(
            "pg_ctl", "start", "--silent", "--wait", "--timeout", f"{PATIENCE:.0f}", "-D", "data", "-l", LOG,
            "-o", "-c config_file=postgresql.conf",
        ) as ctl:  # fmt: skip
            for _ in clock:
                if ctl.poll() is not None:
                    break
            said = ctl.communicate()[0]
        if ctl.returncode == 0 or STILL_IN_USE in self._log_tail(since) or self.state() is not State.DOWN:
            return
        raise self._failed(f"PostgreSQL did not start: {said.strip()}", since)

    def _forget_the_dead(self) -> None:
        """Remove the pid file of a zombie or of a stranger with its id: PostgreSQL would take them for a server.

        It is read again before that, as a start whose application was killed may be writing its own just now.
        """
        pid_file = self.home.data / "postmaster.pid"
        if not pid_file.exists():
            return
        seen = pid_file.read_bytes()
        if live_postmaster(self.home.data) is None and seen == pid_file.read_bytes():
            pid_file.unlink()
            (self.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _program(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        account = self.home.account
        try:
            return subprocess.Popen(
                [str(self.tree / "bin" / name), *arguments],
                cwd=self.home.path,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                start_new_session=True,
            )
        except OSError as fault:
            raise ClusterFailed(f"{name} could not be started: {fault}", "Install the application again") from fault

    def _failed(self, reason: str, since: int) -> ClusterFailed:
        return ClusterFailed(f"{reason}\n{self._log_tail(since)}".rstrip(), f"The whole log is {self.home.path / LOG}")

    def _log_tail(self, since: int) -> str:
        log = self.home.path / LOG
        if not log.exists():
            return ""
        with log.open(errors="replace") as lines:
            lines.seek(since)
            return "".join(lines.readlines()[-20:])


def socket_file(sockets: Path) -> Path:
    """The socket a server with that socket folder listens on."""
    return sockets / f".s.PGSQL.{PORT}"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
