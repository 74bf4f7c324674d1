"""balances follow the ledger, the ledger is append-only, conditional payments are one view"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BALANCES = """
create function follow_ledger() returns trigger language plpgsql as $$
begin
  update invoices set balance = balance + booked.amount
  from (
    select invoice_id, sum(amount)::bigint as amount from new_entries where invoice_id is not null group by invoice_id
  ) booked
  where invoices.id = booked.invoice_id;
  return null;
end $$;
create trigger follow_ledger after insert on ledger_entries
  referencing new table as new_entries for each statement execute function follow_ledger();
"""

APPEND_ONLY = """
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'the table % is append-only: book a new entry that puts the old one right', tg_table_name;
end $$;
create trigger append_only before update or delete on ledger_entries
  for each statement execute function refuse_rewriting();
create trigger append_only before update or delete on case_events
  for each statement execute function refuse_rewriting();
"""

HOLDS = """
create view conditional_payments as
  select p.client_id, p.currency, 'promise' as kind,
         p.amount - coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint as amount,
         null::bigint as invoice_id, null::bigint as account_id, p.until, p.made_at as since
  from promises p where p.state = 'open'
union all
  select d.client_id, d.currency, 'dispute', d.amount, d.invoice_id, null, null, d.opened_at
  from disputes d where d.resolved_at is null
union all
  select p.client_id, p.currency, 'unconfirmed', p.amount, p.invoice_id, p.account_id, null, p.paid_at
  from payments p where p.status = 'unconfirmed'
union all
  select p.client_id, p.currency, 'installment',
         i.amount - coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)::bigint,
         null, null, i.due, p.agreed_at
  from installments i join installment_plans p on p.id = i.plan_id where p.ended_at is null;
"""


def upgrade() -> None:
    op.execute(BALANCES)
    op.execute(APPEND_ONLY)
    op.execute(HOLDS)


def downgrade() -> None:
    op.execute("drop view conditional_payments")
    op.execute("drop trigger append_only on case_events")
    op.execute("drop trigger append_only on ledger_entries")
    op.execute("drop trigger follow_ledger on ledger_entries")
    op.execute("drop function refuse_rewriting()")
    op.execute("drop function follow_ledger()")
