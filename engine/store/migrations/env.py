"""Alembic's environment: one connection, one transaction, and a lock so that two starters migrate in turn."""

from typing import Literal

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from engine.store.schema import METADATA
from engine.store.tables.base import Sealed


def plainly(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Our own column types are written as what the database has, so that a migration never depends on today's code."""
    return "sa.LargeBinary()" if kind == "type" and isinstance(item, Sealed) else False


MIGRATION_LOCK = 0x616D6961  # "amia"

engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=METADATA, compare_server_default=True, render_item=plainly)
    with context.begin_transaction():
        connection.execute(text("set local lock_timeout = '60s'"))
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()
engine.dispose()
