"""The address of a database, as SQLAlchemy writes it and as psycopg reads it."""

from __future__ import annotations

from sqlalchemy import make_url


def plain(url: str) -> str:
    """The address as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def name_of(url: str) -> str:
    """The name of the database there."""
    return make_url(url).database or ""


def beside(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)
