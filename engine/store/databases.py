"""Making and dropping databases of a server. `url_admin` names any other database of it, as one who may do so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import make_url

Connection = psycopg.Connection[tuple[object, ...]]


class DatabaseExists(Exception):
    """A database of that name is already there."""


def database_exists(url_admin: str, name: str) -> bool:
    """Whether the server has a database of that name."""
    with _admin(url_admin) as connection:
        return _exists(connection, name)


def create_database(url_admin: str, name: str, template: str | None = None) -> None:
    """Make a database, empty or as a copy of `template`, which nobody may be using. Raises DatabaseExists."""
    command = sql.SQL("create database {}").format(sql.Identifier(name))
    if template is not None:
        command += sql.SQL(" template {}").format(sql.Identifier(template))
    with _admin(url_admin) as connection:
        try:
            connection.execute(command)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            raise DatabaseExists(f"the database {name} is already there") from None


def drop_database(url_admin: str, name: str) -> None:
    """Drop a database if it is there, and cut off whoever is using it."""
    with _admin(url_admin) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("select from pg_database where datname = %s", [name]).fetchone() is not None


@contextmanager
def _admin(url_admin: str) -> Iterator[Connection]:
    address = make_url(url_admin).set(drivername="postgresql+psycopg")
    _, parameters = address.get_dialect()().create_connect_args(address)
    with psycopg.connect(autocommit=True, **parameters) as connection:
        yield connection
