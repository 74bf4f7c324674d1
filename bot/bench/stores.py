"""The databases of benchmarks: generated portfolios, kept for the next time, and copies of them to work on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import psycopg
from psycopg import sql

from bot.bench.address import beside, plain
from bot.bench.portfolio import BOOKS, PLANS, WORK
from bot.settings import StoreSettings
from bot.store import NoDatabase
from engine.store.cluster import Cluster
from engine.store.databases import create_database, database_exists, drop_database
from engine.store.migrate import MIGRATIONS, migrate

__all__ = ["Fill", "Stores", "bench_stores", "plain"]

Fill = Callable[[str], Awaitable[None]]
"""Fills the empty, migrated database at an address."""


@dataclass(frozen=True, slots=True)
class Stores:
    """A server's databases; `admin` is the address of one that is always there."""

    admin: str

    def url(self, name: str) -> str:
        """The address of a database for SQLAlchemy."""
        return beside(self.admin, name)

    async def kept(self, what: str, size: int, fill: Fill) -> str:
        """The name of a database that is migrated and filled the first time it is asked for, and kept.

        Another schema, or another portfolio of the same size, is another database, and the old one is dropped.
        """
        name = f"bench_{what}_{size}_{_edition()}"
        if not database_exists(self.admin, name):
            self._drop_editions(f"bench_{what}_{size}_")
            making = f"{name}_making"
            drop_database(self.admin, making)
            create_database(self.admin, making)
            migrate(self.url(making))
            await fill(self.url(making))
            self._execute(
                sql.SQL("alter database {} rename to {}").format(sql.Identifier(making), sql.Identifier(name))
            )
        return name

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The address of a copy that is dropped when its block ends."""
        name = f"{template}_copy"
        drop_database(self.admin, name)
        self._execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield self.url(name)
        finally:
            drop_database(self.admin, name)

    def _drop_editions(self, beginning: str) -> None:
        with psycopg.connect(plain(self.admin)) as connection:
            old = connection.execute("select datname from pg_database where starts_with(datname, %s)", [beginning])
            names = [str(name) for (name,) in old.fetchall()]
        for name in names:
            drop_database(self.admin, name)

    def _execute(self, command: sql.Composed) -> None:
        with psycopg.connect(plain(self.admin), autocommit=True) as connection:
            connection.execute(command)


class NotAlone(NoDatabase):
    """Another benchmark runs on this server, and two would measure one another: wait for its end."""


@contextmanager
def bench_stores(settings: StoreSettings) -> Iterator[Stores]:
    """The server of AMIABLE_DATABASE_URL, else an embedded one below the data directory, durable as in production.

    Raises NoDatabase, also where another benchmark is running there.
    """
    if settings.database_url:
        with _alone(settings.database_url):
            yield Stores(settings.database_url)
        return
    with Cluster(settings.data_dir / "bench") as cluster, _alone(cluster.url()):
        yield Stores(cluster.url())


@contextmanager
def _alone(admin: str) -> Iterator[None]:
    try:
        connection = psycopg.connect(plain(admin), autocommit=True)
    except psycopg.OperationalError as error:
        raise NoDatabase(str(NoDatabase.__doc__)) from error
    with connection:
        row = connection.execute("select pg_try_advisory_lock(hashtext('amiable bench'))").fetchone()
        if row is None or not row[0]:
            raise NotAlone(str(NotAlone.__doc__))
        yield


def _edition() -> str:
    """What tells one schema and generator from another."""
    texts = [*sorted((MIGRATIONS / "versions").glob("*.py")), PLANS, BOOKS, WORK]
    return sha256(b"".join(file.read_bytes() for file in texts)).hexdigest()[:8]
