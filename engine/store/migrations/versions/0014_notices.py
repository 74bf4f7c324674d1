"""contacts about what has happened: a service restored, a promise kept, a dispute, a payment that was not found"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OLD = (
    *("stage", "added", "before_due", "promise_before", "promise_broken"),
    *("installment_before", "installment_missed"),
)
NEW = ("service_restored", "promise_kept", "dispute_opened", "dispute_answered", "payment_unclear")


def _occasions(names: tuple[str, ...]) -> str:
    known = ", ".join(f"'{name}'" for name in names)
    return f"""
alter table contacts drop constraint ck_contacts_occasion;
alter table contacts add constraint ck_contacts_occasion check (occasion in ({known})) not valid;
alter table contacts validate constraint ck_contacts_occasion;
"""


COLUMNS = """
alter table payments add column rejected_at timestamptz;
alter table contacts
  add column order_id bigint constraint fk_contacts_order_id_service_orders references service_orders,
  add column dispute_id bigint constraint fk_contacts_dispute_id_disputes references disputes,
  add column payment_id bigint constraint fk_contacts_payment_id_payments references payments;
"""

RESTORED = """
create view restored_services as
  select o.id, o.client_id, k.currency, o.account_id,
         (o.acknowledged_at at time zone c.timezone)::date as day,
         not exists (
           select from service_orders later
           where later.account_id = o.account_id and later.verb = 'suspend_service' and later.id > o.id
             and later.outcome is distinct from 'refused') as stands
  from service_orders o join cases k on k.id = o.case_id join clients c on c.id = o.client_id
  where o.verb = 'restore_service' and o.outcome = 'done' and o.account_id is not null;
"""
"""Services switched on again, by the client's day; it stands where nobody has ordered them off since."""


NEWS = """
create view news as
  select e.*, (e.at at time zone c.timezone)::date as day,
         coalesce(e.until, (e.paid_at at time zone c.timezone)::date, (e.at at time zone c.timezone)::date) as told
  from (
    select p.client_id, p.currency, 'kept' as matter, p.id, p.judged_at as at, p.amount, null::bigint as granted,
           p.until, null::timestamptz as paid_at,
           not exists (
             select from appropriations a join payments taken on taken.id = a.payment_id
             where a.promise_id = p.id and taken.status = 'reversed') as stands
    from promises p where p.state = 'kept'
  union all
    select d.client_id, d.currency, 'dispute', d.id, d.opened_at, d.amount, null, null, null, d.resolved_at is null
    from disputes d
  union all
    select d.client_id, d.currency, 'answered', d.id, d.resolved_at, d.amount, d.granted, null, null,
           not exists (
             select from disputes anew
             where anew.client_id = d.client_id and anew.currency = d.currency and anew.resolved_at is null
               and anew.opened_at >= d.resolved_at)
    from disputes d where d.resolved_at is not null
  union all
    select p.client_id, p.currency, 'claim', p.id, p.rejected_at, p.amount, null, null, p.paid_at,
           not exists (
             select from payments found join ledger_entries l on l.payment_id = found.id
             where found.client_id = p.client_id and found.currency = p.currency and found.status = 'confirmed'
               and found.amount >= p.amount and l.at >= p.rejected_at)
    from payments p where p.rejected_at is not null and p.source = 'claim'
  ) e join clients c on c.id = e.client_id;
"""
"""What has happened, by the client's day; `told` is the day that is spoken of. No longer stands a promise whose payment
the bank took back, a dispute that is answered, an answer contested anew, a claim found after all."""


def _moot(joins: str, cases: str) -> str:
    return f"""
create or replace view moot_contacts as
  select c.id
  from contacts c
  left join promises p on p.id = c.promise_id
  left join installments i on i.id = c.installment_id
  left join installment_plans ip on ip.id = i.plan_id
  left join invoices bill on bill.id = c.invoice_id{joins}
  where c.state in ('planned', 'opened') and case c.occasion
    when 'promise_before' then p.state <> 'open'
    when 'promise_broken' then not exists (select from invoices o where o.client_id = c.client_id and o.balance > 0)
    when 'before_due' then not exists (
      select from invoices o where o.client_id = c.client_id and o.due = bill.due and o.balance > 0)
    when 'installment_before' then ip.ended_at is not null or i.amount <= coalesce(
      (select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
    when 'installment_missed' then ip.ended_at is not null or i.amount <= coalesce(
      (select sum(a.amount) from appropriations a where a.installment_id = i.id), 0){cases}
    else false end;
"""


JOINS = """
  left join disputes d on d.id = c.dispute_id
  left join service_orders so on so.id = c.order_id
  left join payments claim on claim.id = c.payment_id
  left join clients who on who.id = c.client_id"""
SETTLED = """
    when 'service_restored' then not exists (
      select from restored_services r
      where r.client_id = c.client_id and r.currency = c.currency and r.stands
        and r.day = (so.acknowledged_at at time zone who.timezone)::date)
    when 'promise_kept' then not exists (
      select from news n
      where n.client_id = c.client_id and n.currency = c.currency and n.stands and n.matter = 'kept'
        and n.day = (p.judged_at at time zone who.timezone)::date)
    when 'dispute_opened' then not exists (
      select from news n
      where n.client_id = c.client_id and n.currency = c.currency and n.stands and n.matter = 'dispute'
        and n.day = (d.opened_at at time zone who.timezone)::date)
    when 'dispute_answered' then not exists (
      select from news n
      where n.client_id = c.client_id and n.currency = c.currency and n.stands and n.matter = 'answered'
        and n.day = (d.resolved_at at time zone who.timezone)::date)
    when 'payment_unclear' then not exists (
      select from news n
      where n.client_id = c.client_id and n.currency = c.currency and n.stands and n.matter = 'claim'
        and n.day = (claim.rejected_at at time zone who.timezone)::date)"""
"""One message speaks of all of a day, so it is moot when nothing of that day is left."""

REMISSIONS = """
alter table promises
  add column remits bigint constraint ck_promises_remits check (remits > 0),
  add column remits_until date,
  add column remitted_at timestamptz;
create index ix_promises_remitting on promises (client_id) where remits is not null and remitted_at is null;
"""
"""What of a debt is cancelled once a promise is kept, and when somebody has settled that."""


def _holds(remissions: str) -> str:
    return f"""
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
  from installments i join installment_plans p on p.id = i.plan_id where p.ended_at is null
union all
  select e.client_id, a.currency, 'exemption', i.balance, i.id, null, e.until, e.made_at
  from exemptions e
  join invoices i on i.client_id = e.client_id and i.balance > 0
    and (e.invoice_id is null or i.id = e.invoice_id) and (e.account_id is null or i.account_id = e.account_id)
  join accounts a on a.id = i.account_id
  where e.ended_at is null{remissions};
"""


REMITTING = """
union all
  select p.client_id, p.currency, 'amnesty', p.remits, null, null, case when p.state = 'open' then p.until + p.grace end,
         p.made_at
  from promises p where p.remits is not null and p.remitted_at is null and p.state in ('open', 'kept')"""

FORGOTTEN = f"""
update contacts set state = 'superseded' where state = 'planned' and occasion in {NEW};
update contacts set occasion = 'added' where occasion in {NEW};
"""


def upgrade() -> None:
    for statement in (
        COLUMNS,
        _occasions(OLD + NEW),
        RESTORED + NEWS,
        _moot(JOINS, SETTLED),
        REMISSIONS,
        _holds(REMITTING),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(_holds(""))
    op.execute("alter table promises drop column remits, drop column remits_until, drop column remitted_at")
    op.execute(_moot("", ""))
    op.execute("drop view news, restored_services")
    op.execute(FORGOTTEN)
    op.execute(_occasions(OLD))
    op.execute("alter table contacts drop column order_id, drop column dispute_id, drop column payment_id")
    op.execute("alter table payments drop column rejected_at")
