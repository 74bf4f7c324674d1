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


BY_NUMBER = """
insert into run_slices (job, day, width, slice, clients, changes, batches, longest, done_at)
select 'decide', date '2026-01-01' + day, width, slice, width, '{}', 1, 0.1, '2026-01-01 00:00Z'
from (values (0, 5000, 0), (0, 5000, 1), (0, 10000, 0), (0, 2500, 3), (1, 5000, 0)) given(day, width, slice)
"""


def test_slices_of_two_widths_in_a_day_end_with_a_client_once(database_url: str) -> None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    command.downgrade(configuration(database_url), "0015")
    with psycopg.connect(plain) as connection:
        connection.execute(BY_NUMBER)
    migrate(database_url)
    with psycopg.connect(plain) as connection:
        left = connection.execute("select day::text, through, clients from run_slices order by day, through").fetchall()
    assert left == [("2026-01-01", 4999, 5000), ("2026-01-01", 9999, 10000), ("2026-01-02", 4999, 5000)]


BEFORE_THE_LEDGER = """
with g as (insert into plan_groups (name) values ('all') returning id),
c as (
  insert into clients (ref, group_id, plans, kind, name, language, timezone)
  select 'C1', id, '{}', 'individual', '', 'ro', 'UTC' from g returning id
), a as (
  insert into addresses (client_id, channel, sealed, lookup, opted_out_at, dead_since)
  select c.id, channel, '', lookup, opted_out_at, dead_since from c, (values
    ('sms', '1'::bytea, timestamptz '2026-01-01 00:00Z', null),
    ('voice', '2', null, timestamptz '2026-02-01 00:00Z'),
    ('email', '3', timestamptz '2026-03-01 00:00Z', timestamptz '2026-04-01'),
    ('email', '4', null, null)) given(channel, lookup, opted_out_at, dead_since)
  returning id, client_id, channel, dead_since
)
insert into case_events (client_id, at, kind, detail)
select client_id, dead_since, 'address_retired', jsonb_build_object('address', id, 'channel', channel)
from a where channel = 'voice'
"""
CONSENTS = "select channel, what, means, evidence, at::date::text from consents order by channel, at"


def test_what_addresses_were_before_the_ledger_is_in_it_once(database_url: str) -> None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    command.downgrade(configuration(database_url), "0011")
    with psycopg.connect(plain) as connection:
        connection.execute(BEFORE_THE_LEDGER)
        before = connection.execute("select kind, detail from case_events").fetchall()
    for _ in range(2):
        migrate(database_url)
        with psycopg.connect(plain) as connection:
            connection.execute("set timezone = 'UTC'")
            assert connection.execute(CONSENTS).fetchall() == [
                ("email", "opted_out", "migration", "migration:0012", "2026-03-01"),
                ("email", "unusable", "migration", "migration:0012", "2026-04-01"),
                ("sms", "opted_out", "migration", "migration:0012", "2026-01-01"),
                ("voice", "unusable", "feed", "import", "2026-02-01"),
            ]
        command.downgrade(configuration(database_url), "0011")
        with psycopg.connect(plain) as connection:
            assert connection.execute("select kind, detail from case_events").fetchall() == before
