"""who need not be looked at before a day"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

RESTS = """
create table rests (
  client_id bigint constraint pk_rests primary key,
  until date not null,
  snapshot varchar not null,
  newest_plan bigint not null,
  written_by bigint not null default pg_current_xact_id()::text::bigint
) with (fillfactor = 70)
"""
"""Whoever changes the rule itself empties this table in a migration: what was decided by the old one is no rest."""


def upgrade() -> None:
    op.execute(RESTS)


def downgrade() -> None:
    op.drop_table("rests")
