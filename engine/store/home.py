"""Where an embedded cluster lives and as whom its server runs. PostgreSQL refuses root, so root lends it a low user.

A plain user's cluster lies in `<data_dir>/postgres`. Root's lies in `<system_dir>/clusters/<id>`, which a low user can
reach without any folder on the way to `data_dir` being opened to others; a marker file in `data_dir` names the id.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.store.binaries import ClusterFailed

if sys.platform != "win32":
    import fcntl
    import pwd

MARKER = "postgres-cluster"
OWNER = "owner"
STARTING = "starting.lock"
USERS = "users.lock"
CLUSTER_ID = re.compile(r"[0-9a-f]{16}")
LOW_USERS = ("postgres", "nobody")


class OtherUser(ClusterFailed):
    """The data directory belongs to a cluster of another user of this machine."""

    def __init__(self, data_dir: Path, user: str) -> None:
        super().__init__(f"The database under {data_dir} was made by {user}", f"Run this as {user}, as before")


class Busy(Exception):
    """Another process holds the lock."""


@dataclass(frozen=True, slots=True)
class Account:
    """The low user the server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one cluster; `account` is None where the server runs as we do."""

    path: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def server_uid(self) -> int:
        return self.account.uid if self.account else os.geteuid()

    def give(self, path: Path) -> None:
        """Make `path` the server's own and shut it to others."""
        path.chmod(0o700)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the exclusive lock of a file; it goes with the process, however that ends. Raises Busy unless `wait`."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy from None
        yield


def find_home(data_dir: Path, system_dir: Path, *, durable: bool) -> Home:
    """The cluster's folder, made if there is none yet. As root the caller holds the lock on `system_dir`."""
    own, marker = data_dir / "postgres", data_dir / MARKER
    data_dir.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        if marker.exists():
            raise OtherUser(data_dir, "root")
        own.mkdir(mode=0o700, exist_ok=True)
        if own.stat().st_uid != os.geteuid():
            raise OtherUser(data_dir, own.owner())
        return Home(own, None)
    if own.is_dir():
        raise OtherUser(data_dir, own.owner())
    name = marker.read_text().strip() if marker.exists() else ""
    path = system_dir / "clusters" / name
    if not CLUSTER_ID.fullmatch(name) or not path.is_dir():
        path = system_dir / "clusters" / secrets.token_hex(8)
        open_folder(path.parent)
        open_folder(path)
    (path / OWNER).write_text(f"{marker.absolute()}\n{'durable' if durable else 'scratch'}\n")
    if path.name != name:
        marker.write_text(f"{path.name}\n")
    return Home(path, low_account())


def open_folder(path: Path) -> None:
    """Make a folder others may enter and read, whatever the umask; a folder that exists stays as it is."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)


def low_account() -> Account:
    """The user the server runs as when we are root: postgres where that user exists, else nobody."""
    for name in LOW_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ClusterFailed(
        "PostgreSQL does not run as root, and this system has neither a user postgres nor nobody",
        "Add one (adduser --system postgres) or run as a plain user",
    )
