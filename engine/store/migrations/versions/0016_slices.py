"""slices of those who are looked at, whatever their ids"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BY_CLIENT = """
-- One day under two widths: of two slices that end with the same client the wider one has seen all of the other.
delete from run_slices s using run_slices w
where w.job = s.job and w.day = s.day and w.width > s.width and (w.slice + 1) * w.width = (s.slice + 1) * s.width;
alter table run_slices add column through bigint, drop constraint pk_run_slices;
update run_slices set through = (slice + 1) * width - 1;
alter table run_slices
  alter column through set not null, drop column width, drop column slice,
  add constraint pk_run_slices primary key (job, day, through);
"""
"""Slices were so many ids each, and were done in their order: a run under way goes on behind the last one."""
BY_NUMBER = """
alter table run_slices add column width bigint not null default 1, add column slice bigint,
  drop constraint pk_run_slices;
update run_slices set slice = through;
alter table run_slices
  alter column width drop default, alter column slice set not null, drop column through,
  add constraint pk_run_slices primary key (job, day, width, slice);
"""


def upgrade() -> None:
    op.execute(BY_CLIENT)


def downgrade() -> None:
    op.execute(BY_NUMBER)
