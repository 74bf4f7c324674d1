"""One PostgreSQL for the whole run, one migrated template, and a copy of it for each test that asks for a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from engine.store.cluster import Cluster
from engine.store.databases import create_database, drop_database
from engine.store.migrate import migrate
from engine.store.session import Database

TEMPLATE = "template_amiable"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The embedded server, on a data directory of its own, without durability: nothing of it is to be kept."""
    directory: Path = tmp_path_factory.mktemp("cluster")
    with Cluster(directory, durable=False) as running:
        create_database(running.url("postgres"), TEMPLATE)
        migrate(running.url(TEMPLATE))
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"test_{uuid4().hex[:12]}"
    create_database(cluster.url("postgres"), name, template=TEMPLATE)
    yield cluster.url(name)
    drop_database(cluster.url("postgres"), name)


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
