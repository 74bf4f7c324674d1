"""The embedded PostgreSQL under a data directory: the first user starts it, the last one stops it.

Users hold a shared lock on a file; locks go with their process, so after a kill -9 the server runs on, and the next
user attaches to it. All calls block: from asyncio, go through `asyncio.to_thread`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL

from engine.store.binaries import ClusterFailed, NoEmbeddedServer, readable_copy, tree_for
from engine.store.home import STARTING, USERS, Busy, Home, find_home, locked, open_folder
from engine.store.orphans import remove_orphans
from engine.store.postmaster import PORT, SUPERUSER, Server, Tell, socket_file

if sys.platform != "win32":
    import fcntl

__all__ = ["Cluster", "ClusterFailed", "NoEmbeddedServer"]

SYSTEM_DIR = Path("/var/lib/amiable")
SOCKETS = "sockets"
SOCKET_BYTES = 103 if sys.platform == "darwin" else 107


class NotStarted(ClusterFailed):
    """The cluster has no address before it is started."""


class Cluster:
    """A use of the server under `data_dir`. `durable=False` trades safety of the disk for speed, for scratch data.

    `tell` hears a sentence now and then while a start or stop takes long. Errors are ClusterFailed.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        tell: Tell = lambda _: None,
        system_dir: Path = SYSTEM_DIR,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._durable = durable
        self._tell = tell
        self._system_dir = system_dir
        self._server: Server | None = None
        self._use = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def url(self, database: str = "postgres") -> str:
        """The address of a database for SQLAlchemy with psycopg, over the unix socket."""
        if self._server is None:
            raise NotStarted("The embedded PostgreSQL is not in use", "Start it first")
        return URL.create(
            "postgresql+psycopg",
            username=SUPERUSER,
            database=database,
            query={"host": str(self._server.sockets), "port": str(PORT)},
        ).render_as_string(hide_password=False)

    def start(self) -> None:
        """Start the server, or attach to it if it runs, and return when it answers."""
        if self._server is not None:
            return
        if sys.platform == "win32":
            raise NoEmbeddedServer("The embedded PostgreSQL is not offered on Windows")
        try:
            self._start()
        except OSError as fault:
            raise ClusterFailed(
                f"The embedded PostgreSQL cannot use its folders: {fault}",
                "Mend that, or choose another data directory",
            ) from fault

    def release(self) -> None:
        """End this use; the last one stops the server. Without a use it does nothing."""
        if self._server is None:
            return
        server, self._server = self._server, None
        with locked(server.home.path / STARTING):
            self._use.close()
            try:
                with locked(server.home.path / USERS, wait=False):
                    server.stop(self._tell)
            except Busy:
                return

    def _start(self) -> None:
        home, tree = self._prepare()
        with locked(home.path / STARTING):
            server = Server(home, tree, _sockets(home), durable=self._durable)
            server.bring_up(self._tell)
            users = self._use.enter_context((home.path / USERS).open("a"))
            fcntl.flock(users, fcntl.LOCK_SH)
        self._server = server

    def _prepare(self) -> tuple[Home, Path]:
        """The cluster's folder and the programs to run it with."""
        if os.geteuid() != 0:
            home = find_home(self.data_dir, self._system_dir, durable=self._durable)
            return home, tree_for(home.data)
        open_folder(self._system_dir)
        with locked(self._system_dir / "lock"):
            home = find_home(self.data_dir, self._system_dir, durable=self._durable)
            remove_orphans(self._system_dir, home)
            return home, readable_copy(tree_for(home.data), self._system_dir)


def _sockets(home: Home) -> Path:
    """The folder of the socket: the data directory itself, or one in /tmp where its path is too long for a socket."""
    if len(os.fsencode(socket_file(home.data))) <= SOCKET_BYTES:
        return home.data
    record = home.path / SOCKETS
    if record.exists():
        folder = Path(record.read_text().strip())
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == home.server_uid:
            return folder
    folder = Path(tempfile.mkdtemp(prefix="amiable-", dir="/tmp"))
    home.give(folder)
    record.write_text(f"{folder}\n")
    return folder
