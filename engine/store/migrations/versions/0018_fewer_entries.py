"""cases, balances and entries of the ledger are written into fewer indexes"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
drop index ix_invoices_open;
drop index ix_cases_client_id;
drop index ix_ledger_entries_payment_id;
create index ix_ledger_entries_paid on ledger_entries (payment_id) where payment_id is not null;
"""
DOWN = """
drop index ix_ledger_entries_paid;
create index ix_ledger_entries_payment_id on ledger_entries (payment_id);
create index ix_cases_client_id on cases (client_id);
create index ix_invoices_open on invoices (ref) include (id, amount, balance, wording) where balance > 0;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
