"""One PostgreSQL for each worker of the run, one migrated template, and a copy of it for each test that asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from engine.store.cluster import Cluster
from engine.store.databases import create_database
from engine.store.migrate import migrate
from engine.store.session import Database

TEMPLATE = "template_amiable"
MEMORY = Path("/dev/shm")  # noqa: S108 - only folders of a random name are made in it
DISK = Path("/tmp")  # noqa: S108 - likewise; its name is short enough for a socket
ENOUGH = 2 * 1024**3
MOST_WORKERS = 4
NUMBERS = count(1)

# What is slow on a busy machine is not wrong, and what passed once passes again.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("house")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a good half of a test's time is waiting for sockets."""
    return min(1 + (os.cpu_count() or 1), MOST_WORKERS)


def _in_memory() -> bool:
    """Whether the machine keeps files in memory, lets programs run from there, and has room: containers often do not.

    A database is some 600 small files; on a disk making them takes ten times as long as in memory.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return False
    runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    return runs_programs and shutil.disk_usage(MEMORY).free >= ENOUGH


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for clusters, open to a low user as pytest's own folders are not, on the fastest files there are."""
    folder = Path(tempfile.mkdtemp(prefix="amiable-tests-", dir=MEMORY if _in_memory() else DISK))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(scratch: Path) -> Iterator[Cluster]:
    """The embedded server, on a data directory of its own, without durability: nothing of it is to be kept."""
    with Cluster(scratch / "data", durable=False, system_dir=scratch / "system") as running:
        create_database(running.url("postgres"), TEMPLATE)
        migrate(running.url(TEMPLATE))
        yield running


@pytest.fixture(scope="session")
def administrator(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """One who makes and drops databases, connected throughout."""
    plain = make_url(cluster.url("postgres")).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database_url(cluster: Cluster, administrator: psycopg.Connection[Any]) -> Iterator[str]:
    """A fresh, migrated database. Its files are copied as they are, which leaves no log of gigabytes behind."""
    name = f"test_{next(NUMBERS)}"
    administrator.execute(
        sql.SQL("create database {} template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(TEMPLATE)
        )
    )
    yield cluster.url(name)
    administrator.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Access to a fresh, migrated database."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def now() -> datetime:
    """A Wednesday morning."""
    return datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
