"""Opening the case store: the embedded PostgreSQL or a given one, brought to the newest schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import psycopg
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from bot.settings import StoreSettings
from engine.store.cluster import Cluster
from engine.store.databases import create_database, database_exists, drop_database
from engine.store.migrate import migrate

NAME = "amiable"


class NoDatabase(Exception):
    """The database does not answer: check AMIABLE_DATABASE_URL, and that the server runs and lets us in."""


class NoScratch(NoDatabase):
    """A scenario plays in a database of its own: the role in AMIABLE_DATABASE_URL needs the right CREATEDB."""


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, psycopg.OperationalError) as error:
        raise NoDatabase(str(NoDatabase.__doc__)) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoScratch(str(NoScratch.__doc__)) from error


@contextmanager
def case_store(
    settings: StoreSettings, tell: Callable[[str], None] = lambda _: None, *, durable: bool = True
) -> Iterator[str]:
    """The address of the deployment's database, migrated; the embedded server runs while the block does.

    With `durable=False` it survives a kill of any program but not of the machine: enough for a demo, and faster.
    """
    if settings.database_url:
        with _answering():
            migrate(settings.database_url)
        yield settings.database_url
        return
    with Cluster(settings.data_dir, tell=tell, durable=durable) as cluster:
        if not database_exists(cluster.url(), NAME):
            create_database(cluster.url(), NAME)
        migrate(cluster.url(NAME))
        yield cluster.url(NAME)


def drop_demo_store(settings: StoreSettings) -> None:
    """Drop the database of a demo, with everything in it."""
    with Cluster(settings.data_dir, durable=False) as cluster:
        drop_database(cluster.url(), NAME)


Scratch = Callable[[], AbstractContextManager[str]]
"""Gives the address of an empty, migrated database that is dropped when its block ends."""


@contextmanager
def scratch_stores(settings: StoreSettings) -> Iterator[Scratch]:
    """Databases to play in, one after another, on one server: each is a copy of a template that is migrated once."""
    if settings.database_url:
        with _copies(settings.database_url) as scratch:
            yield scratch
        return
    with Cluster(settings.data_dir / "scratch", durable=False) as cluster, _copies(cluster.url()) as scratch:
        yield scratch


@contextmanager
def _copies(admin_url: str) -> Iterator[Scratch]:
    with _scratch(admin_url) as (url, template):
        with _answering():
            migrate(url)

        @contextmanager
        def copy() -> Iterator[str]:
            with _scratch(admin_url, template) as (url, _):
                yield url

        yield copy


@contextmanager
def _scratch(admin_url: str, template: str | None = None) -> Iterator[tuple[str, str]]:
    """The address and the name of a database of its own, a copy of the template, if there is one."""
    name = f"{NAME}_scratch_{uuid4().hex[:12]}"
    with _answering():
        create_database(admin_url, name, template)
    try:
        yield make_url(admin_url).set(database=name).render_as_string(hide_password=False), name
    finally:
        with _answering():
            drop_database(admin_url, name)
