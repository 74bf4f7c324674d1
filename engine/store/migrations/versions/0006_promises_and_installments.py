"""promises with grace and a promiser, installment plans by policy, refunds"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REFUNDS = """
alter table ledger_entries drop constraint ck_ledger_entries_kind;
alter table ledger_entries add constraint ck_ledger_entries_kind
  check (kind in ('charge', 'payment', 'credit', 'credit_memo', 'prior', 'refund'));
alter table appropriations drop constraint ck_appropriations_amount;
alter table appropriations add constraint ck_appropriations_amount check (amount <> 0);
"""

PROMISES = """
alter table promises
  add column grace int not null default 0 constraint ck_promises_grace check (grace between 0 and 90),
  add column threshold int not null default 100 constraint ck_promises_threshold check (threshold between 1 and 100),
  add column promiser bytea,
  add column reason varchar,
  add column replaced_by bigint constraint fk_promises_replaced_by references promises;
"""

INSTALLMENTS = """
alter table installment_plans
  add column outcome varchar constraint ck_installment_plans_outcome check (outcome in ('paid', 'cancelled', 'replaced')),
  add column reason varchar;
alter table installment_requests
  add column granted boolean,
  add column reason varchar,
  add column answered_by bigint constraint fk_installment_requests_answered_by references users,
  add column plan_id bigint constraint fk_installment_requests_plan_id references installment_plans;
alter table installments
  add column interest bigint not null default 0 constraint ck_installments_interest check (interest >= 0),
  add column fee bigint not null default 0 constraint ck_installments_fee check (fee >= 0);
create index ix_installment_requests_open on installment_requests (client_id) where answered_at is null;
"""

HOLDS = """
create or replace view conditional_payments as
  select p.client_id, p.currency, 'promise' as kind,
         p.amount - coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint as amount,
         null::bigint as invoice_id, null::bigint as account_id, p.until + p.grace as until, p.made_at as since
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
"""What freezes parts of a debt. The last day of a promise is that of its grace: till then nobody is chased for it."""

WITHOUT_GRACE = HOLDS.replace("p.until + p.grace as until", "p.until")


def upgrade() -> None:
    op.execute(REFUNDS)
    op.execute(PROMISES)
    op.execute(INSTALLMENTS)
    op.execute(HOLDS)


def downgrade() -> None:
    """Refunds stay in the ledger: a kind the older schema does not know makes its check fail, and nothing is lost."""
    op.execute(WITHOUT_GRACE)
    op.execute("drop index ix_installment_requests_open")
    op.execute("alter table installments drop column interest, drop column fee")
    op.execute(
        "alter table installment_requests drop column granted, drop column reason, drop column answered_by, drop column plan_id"
    )
    op.execute("alter table installment_plans drop column outcome, drop column reason")
    op.execute(
        "alter table promises drop column grace, drop column threshold, drop column promiser, drop column reason, drop column replaced_by"
    )
    op.execute("alter table appropriations drop constraint ck_appropriations_amount")
    op.execute("alter table appropriations add constraint ck_appropriations_amount check (amount > 0)")
    op.execute("alter table ledger_entries drop constraint ck_ledger_entries_kind")
    op.execute(
        "alter table ledger_entries add constraint ck_ledger_entries_kind "
        "check (kind in ('charge', 'payment', 'credit', 'credit_memo', 'prior'))"
    )
