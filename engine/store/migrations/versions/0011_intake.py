"""how a feed worded each bill, and the unpaid ones found by their reference without looking at the paid"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


INVOICES = """
alter table invoices add column wording bigint;
create index ix_invoices_open on invoices (ref) include (id, amount, balance, wording) where balance > 0;
"""

BY_KEY = [f"alter function follow_ledger() set {way} = off" for way in ("enable_hashjoin", "enable_mergejoin")]
"""However many entries are booked at once, their invoices are few of all there ever were: none of the others is read."""


def upgrade() -> None:
    op.execute(INVOICES)
    for statement in BY_KEY:
        op.execute(statement)


def downgrade() -> None:
    op.execute("alter function follow_ledger() reset all")
    op.execute("drop index ix_invoices_open")
    op.execute("alter table invoices drop column wording")
