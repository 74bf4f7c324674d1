"""The embedded PostgreSQL, for real: applications are processes that use one cluster, as root and as a plain user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from engine.store.binaries import installations
from engine.store.cluster import Cluster, ClusterFailed
from engine.store.databases import DatabaseExists, create_database, database_exists, drop_database
from engine.store.home import Home
from engine.store.orphans import remove_orphans

# Modules are loaded before root is given up: the interpreter may lie where only root can read.
APPLICATION = """
import os, sys
from pathlib import Path
from engine.store.cluster import Cluster
uid, gid, data_dir, system_dir = sys.argv[1:]
if os.getuid() != int(uid):
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
with Cluster(Path(data_dir), durable=False, system_dir=Path(system_dir)) as cluster:
    print(cluster.url(), flush=True)
    sys.stdin.read()
"""


class Application:
    """A process that uses the cluster until it is closed or killed."""

    def __init__(self, uid: int, gid: int, data_dir: Path, system_dir: Path) -> None:
        self._url = ""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", APPLICATION, str(uid), str(gid), str(data_dir), str(system_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def url(self) -> str:
        """Waits until the application has its database."""
        assert self._process.stdout is not None
        self._url = self._url or self._process.stdout.readline().strip()
        assert self._url, "the application ended without a database"
        return self._url

    def close(self) -> int:
        self._process.communicate("")
        return self._process.returncode

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class Ground:
    """Somebody's folder, and the applications they start in it."""

    folder: Path
    uid: int
    gid: int
    system_dir: Path
    started: list[Application]

    def start(self, data_dir: str = "data") -> Application:
        self.started.append(Application(self.uid, self.gid, self.folder / data_dir, self.system_dir))
        return self.started[-1]


def users() -> list[str]:
    return ["root", "nobody"] if os.getuid() == 0 else [pwd.getpwuid(os.getuid()).pw_name]


@pytest.fixture(scope="session")
def system_dir(scratch: Path) -> Path:
    """Where root's clusters go: one for all tests of this file."""
    folder = scratch / "clusters"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture(params=users())
def ground(request: pytest.FixtureRequest, scratch: Path, system_dir: Path) -> Iterator[Ground]:
    who = pwd.getpwnam(request.param)
    folder = Path(tempfile.mkdtemp(prefix="somebody-", dir=scratch))
    os.chown(folder, who.pw_uid, who.pw_gid)
    ground = Ground(folder, who.pw_uid, who.pw_gid, system_dir, [])
    yield ground
    for application in ground.started:
        application.close()
    shutil.rmtree(folder)


@pytest.fixture
def embedded(tmp_path: Path, system_dir: Path) -> Iterator[Cluster]:
    """A scratch cluster for this very process, not started yet."""
    cluster = Cluster(tmp_path / "data", durable=False, system_dir=system_dir)
    yield cluster
    cluster.release()


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    address = make_url(url)
    where = {"dbname": address.database, "user": address.username, "host": str(address.query["host"])}
    return psycopg.connect(make_conninfo("", **where), autocommit=True)


def ask(url: str, question: str) -> str:
    with connect(url) as connection:
        answer = connection.execute(question.encode()).fetchone()
    assert answer is not None
    return str(answer[0])


def server(url: str) -> int:
    return int(ask(url, "select pg_read_file('postmaster.pid')").splitlines()[0])


def answers(url: str) -> bool:
    try:
        return ask(url, "select 1") == "1"
    except psycopg.OperationalError:
        return False


def test_the_second_application_attaches_and_the_last_one_stops_the_server(ground: Ground) -> None:
    first = ground.start()
    running = server(first.url)
    second = ground.start()
    assert server(second.url) == running
    assert first.close() == 0
    assert server(second.url) == running
    assert second.close() == 0
    assert not answers(second.url)


def test_two_applications_that_start_at_once_share_one_server(ground: Ground) -> None:
    racers = [ground.start() for _ in range(3)]
    assert len({server(racer.url) for racer in racers}) == 1
    assert [racer.close() for racer in racers] == [0, 0, 0]
    assert not answers(racers[0].url)


def test_after_a_kill_of_the_application_the_next_one_attaches(ground: Ground) -> None:
    killed = ground.start()
    running = server(killed.url)
    killed.kill()
    assert answers(killed.url)
    following = ground.start()
    assert server(following.url) == running
    assert following.close() == 0
    assert not answers(following.url)


def test_after_a_kill_of_the_server_the_next_application_starts_it_with_all_that_was_committed(ground: Ground) -> None:
    application = ground.start()
    create_database(application.url, "ledger")
    killed = server(application.url)
    os.kill(killed, signal.SIGKILL)
    following = ground.start()
    assert server(following.url) != killed
    assert database_exists(following.url, "ledger")
    assert following.close() == application.close() == 0
    assert not answers(following.url)


def test_a_server_killed_and_not_yet_reaped_does_not_pass_for_running(ground: Ground) -> None:
    application = ground.start()
    pid_file = Path(ask(application.url, "show data_directory")) / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    application.close()
    with subprocess.Popen(["true"], user=ground.uid) as zombie:
        while Path(f"/proc/{zombie.pid}/stat").read_text().split()[2] != "Z":
            sleep(0.01)
        pid_file.write_text("\n".join([str(zombie.pid), *lines[1:]]) + "\n")
        assert answers(ground.start().url)


def test_a_data_directory_too_long_for_a_socket_works(ground: Ground) -> None:
    deep = "/".join(["a folder with 'quotes' and $money"] * 4)
    application = ground.start(deep)
    assert answers(application.url)
    sockets = Path(ask(application.url, "show unix_socket_directories"))
    assert len(str(sockets)) < 90
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert application.close() == 0
    assert sockets.name == "data" or not sockets.exists()


def test_the_database_is_utf8_in_utc_and_closed_to_the_network(ground: Ground) -> None:
    url = ground.start().url
    shown = {name: ask(url, f"show {name}") for name in ("server_encoding", "timezone", "listen_addresses", "jit")}
    assert shown == {"server_encoding": "UTF8", "timezone": "UTC", "listen_addresses": "", "jit": "off"}
    assert ask(url, "select upper('їжак și ёлка')") == "ЇЖАК ȘI ЁЛКА"


@pytest.mark.parametrize(("durable", "switch"), [(True, "on"), (False, "off")])
def test_only_scratch_clusters_give_up_durability(tmp_path: Path, system_dir: Path, durable: bool, switch: str) -> None:
    with Cluster(tmp_path / "data", durable=durable, system_dir=system_dir) as cluster:
        assert {ask(cluster.url(), f"show {name}") for name in ("fsync", "synchronous_commit")} == {switch}


def test_attaching_is_quick(embedded: Cluster, system_dir: Path) -> None:
    began = monotonic()
    embedded.start()
    started = monotonic()
    with Cluster(embedded.data_dir, durable=False, system_dir=system_dir) as second:
        assert monotonic() - started < (started - began) / 2
        assert second.url() == embedded.url()


def test_one_object_starts_once_and_releases_once(embedded: Cluster) -> None:
    embedded.release()
    with pytest.raises(ClusterFailed, match="Start it first"):
        embedded.url()
    embedded.start()
    url = embedded.url()
    embedded.start()
    embedded.release()
    assert not answers(url)


def test_a_server_that_cannot_start_shows_the_end_of_its_log_and_a_remedy(embedded: Cluster) -> None:
    with embedded:
        data = Path(ask(embedded.url(), "show data_directory"))
    (data / "global" / "pg_control").unlink()
    with pytest.raises(ClusterFailed, match="pg_control") as failed:
        embedded.start()
    assert "server.log" in failed.value.remedy


def test_data_of_a_postgresql_that_is_not_installed_is_left_alone(embedded: Cluster) -> None:
    with embedded:
        stamp = Path(ask(embedded.url(), "show data_directory")) / "PG_VERSION"
    stamp.write_text(f"{max(installations()) + 1}\n")
    with pytest.raises(ClusterFailed, match="Dump it"):
        embedded.start()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path, system_dir: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterFailed, match="choose another data directory"):
        Cluster(tmp_path / "file" / "data", system_dir=system_dir).start()


def test_without_the_wheel_the_error_names_the_setting(monkeypatch: pytest.MonkeyPatch, embedded: Cluster) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ClusterFailed, match="AMIABLE_DATABASE_URL"):
        embedded.start()


def test_roots_cluster_is_found_by_its_marker_and_a_plain_users_by_its_place(ground: Ground) -> None:
    before = set(ground.system_dir.glob("clusters/*"))
    first = ground.start()
    create_database(first.url, "ledger")
    (ground.folder / "data" / "postgres-cluster").unlink(missing_ok=True)
    second = ground.start()
    assert database_exists(second.url, "ledger") is (ground.uid != 0)
    assert answers(first.url), "a running server is left alone"
    first.close()
    third = ground.start("elsewhere")
    assert answers(third.url)
    assert len(set(ground.system_dir.glob("clusters/*")) - before) == (2 if ground.uid == 0 else 0)


def test_a_scratch_cluster_goes_with_its_marker_a_durable_one_thirty_days_later(tmp_path: Path) -> None:
    ids = {name: f"{number:016x}" for number, name in enumerate(("alive", "named", "scratch", "durable", "old"))}
    clusters = {name: tmp_path / "clusters" / ids[name] for name in ids}
    for name, path in clusters.items():
        (path / "data").mkdir(parents=True)
        (path / "owner").write_text(f"{tmp_path / name}\n{'scratch' if name == 'scratch' else 'durable'}\n")
    (tmp_path / "named").write_text(f"{ids['named']}\n")
    (tmp_path / "old").write_text(f"{ids['alive']}\n")
    month = (clusters["old"] / "owner").stat().st_mtime - 31 * 24 * 3600
    for name in ("named", "old"):
        os.utime(clusters[name] / "owner", (month, month))
    (tmp_path / "clusters" / "a folder of somebody else").mkdir()
    remove_orphans(tmp_path, Home(clusters["alive"], None))
    kept = {path.name for path in (tmp_path / "clusters").iterdir()}
    assert kept == {ids["alive"], ids["named"], ids["durable"], "a folder of somebody else"}


def test_a_data_directory_left_unfinished_is_made_anew(embedded: Cluster) -> None:
    with embedded:
        data = Path(ask(embedded.url(), "show data_directory"))
    (data / "PG_VERSION").unlink()
    data.rename(data.with_name("data.unfinished"))
    with embedded:
        assert answers(embedded.url())
        assert not data.with_name("data.unfinished").exists()


def test_nobody_makes_a_second_database_beside_another_users(tmp_path: Path, system_dir: Path) -> None:
    if os.getuid() == 0:
        (tmp_path / "postgres").mkdir()
    else:
        (tmp_path / "postgres-cluster").write_text("0123456789abcdef\n")
    with pytest.raises(ClusterFailed, match="as before"):
        Cluster(tmp_path, system_dir=system_dir).start()


def test_databases_are_made_copied_and_dropped(embedded: Cluster) -> None:
    embedded.start()
    create_database(embedded.url(), 'a "template"')
    with connect(embedded.url('a "template"')) as template:
        template.execute("create table kept as select 7 as luck")
    create_database(embedded.url(), "copy", template='a "template"')
    with pytest.raises(DatabaseExists):
        create_database(embedded.url(), "copy")
    assert ask(embedded.url("copy"), "select luck from kept") == "7"
    with connect(embedded.url("copy")):
        drop_database(embedded.url(), "copy")
    drop_database(embedded.url(), "copy")
    assert not database_exists(embedded.url(), "copy")
