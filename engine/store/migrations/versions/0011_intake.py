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

FOLLOW = """
create or replace function follow_ledger() returns trigger language plpgsql {settings} as $$
begin
  update invoices set balance = balance + booked.amount
  from (
    select invoice_id, sum(amount)::bigint as amount from new_entries where invoice_id is not null
    group by invoice_id {order}
  ) booked
  where invoices.id = booked.invoice_id;
  insert into credits (client_id, currency, amount)
  select client_id, currency, -sum(amount) from new_entries where invoice_id is null group by client_id, currency
  on conflict (client_id, currency) do update set amount = credits.amount + excluded.amount;
  return null;
end $$;
"""
BY_KEY = {"settings": "set enable_hashjoin = off set enable_mergejoin = off", "order": "order by invoice_id"}
"""However many entries are booked at once, their invoices are few of all there ever were: none of the others is read."""


def upgrade() -> None:
    op.execute(INVOICES)
    op.execute(FOLLOW.format(**BY_KEY))


def downgrade() -> None:
    op.execute(FOLLOW.format(settings="", order=""))
    op.execute("drop index ix_invoices_open")
    op.execute("alter table invoices drop column wording")
