"""Bring a database to the newest schema, from inside the application: no alembic.ini is needed anywhere."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration(url: str) -> Config:
    """Alembic's configuration for one database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Apply every migration that is missing. Safe to call at each start and by several processes at once."""
    command.upgrade(configuration(url), "head")


def pending(url: str) -> list[str]:
    """The migrations the database lacks, oldest first."""
    script = ScriptDirectory.from_config(configuration(url))
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    return [revision.revision for revision in reversed(list(script.iterate_revisions("head", current)))]
