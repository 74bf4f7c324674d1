"""The schema: what the migrations make is what the tables say, and they can be undone."""

from __future__ import annotations

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from engine.store.migrate import configuration, migrate, pending
from engine.store.schema import METADATA


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert differences == []


def test_going_down_and_up_again_ends_the_same(database_url: str) -> None:
    command.downgrade(configuration(database_url), "base")
    assert len(pending(database_url)) > 1
    migrate(database_url)
    assert pending(database_url) == []


def test_the_ledger_and_the_history_cannot_be_rewritten(database_url: str) -> None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    for statement in ("delete from ledger_entries", "update ledger_entries set amount = 1", "delete from case_events"):
        with psycopg.connect(plain) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(statement)
