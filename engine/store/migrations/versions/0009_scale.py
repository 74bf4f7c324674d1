"""the feed of changed clients, leases, the ledger of runs, which plans a client is on as one rule"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PLANS = """
create function plan_applies(client_group bigint, plans varchar[], plan_group bigint, name varchar, standard boolean)
  returns boolean language sql immutable parallel safe
  return client_group = plan_group and (name = any(plans) or (plans = '{}' and standard));
"""
"""A client is on the plans they were put on or, put on none, on the standard one of their group (A15)."""

FEED = """
create table changed_clients (
  client_id bigint not null,
  at bigint not null default pg_current_xact_id()::text::bigint
);
create index ix_changed_clients_client_id on changed_clients (client_id);
create table settled_marks (
  client_id bigint not null,
  at bigint not null default pg_current_xact_id()::text::bigint
);
create index ix_settled_marks_client_id on settled_marks (client_id);
"""
"""A mark names a client whose facts have changed, and the transaction that changed them: what a snapshot cannot see
was changed after it. Deciding settles a client's marks, and its own writing makes none. Settled marks name who has been
decided for and in which transaction, until the daily run after next: a run that has read older facts has to know."""

MARK = """
create function {name}() returns trigger language plpgsql as $$
begin
  if current_setting('amiable.deciding', true) is distinct from 'on' then
    insert into changed_clients (client_id) {clients};
  end if;
  return null;
end $$;
"""
CLIENTS_OF = {
    "mark_clients": "select distinct client_id from changed where client_id is not null",
    "mark_client_rows": "select id from changed",
    "mark_by_plan": """
    select distinct p.client_id from changed c join installment_plans p on p.id = c.plan_id""",
    "mark_by_case": "select distinct k.client_id from changed c join cases k on k.id = c.case_id",
    "mark_by_payment": "select distinct p.client_id from changed c join payments p on p.id = c.payment_id",
    "mark_by_contact": """
    select distinct t.client_id
    from changed c join contacts t on t.id = c.contact_id and t.occasion = 'stage'
    join conversations v on v.id = c.conversation_id join plans p on p.id = t.plan_id
    where (c.state in ('delivered', 'read') or v.channel = 'email') and p.terms @? '$.stages[*].needs_delivered'""",
}
"""The clients of changed rows, by the function that marks them."""

WRITTEN = (
    *("invoices", "promises", "disputes", "payments", "installment_plans", "exemptions"),
    *("dunning_pauses", "service_orders", "contacts"),
)
WATCHED = {
    "mark_clients": (
        *(f"{table} {event}" for table in WRITTEN for event in ("insert", "update")),
        *("accounts update", "cases update"),
    ),
    "mark_client_rows": ("clients update",),
    "mark_by_plan": ("installments insert", "installments update"),
    "mark_by_case": ("deferrals insert", "deferrals update"),
    "mark_by_payment": ("appropriations insert",),
    "mark_by_contact": ("outbound update",),
}
"""The tables that facts come from, by the function that marks their clients. The publication of a plan
makes no marks: its terms take hold at the next full run, and at once for whoever is decided for before that."""

FOLLOW = """
create or replace function follow_ledger() returns trigger language plpgsql as $$
begin
  update invoices set balance = balance + booked.amount
  from (
    select invoice_id, sum(amount)::bigint as amount from new_entries where invoice_id is not null
    group by invoice_id order by invoice_id
  ) booked
  where invoices.id = booked.invoice_id;{credits}
  return null;
end $$;
"""
KEEP_CREDITS = """
  insert into credits (client_id, currency, amount)
  select client_id, currency, -sum(amount) from new_entries where invoice_id is null group by client_id, currency
  on conflict (client_id, currency) do update set amount = credits.amount + excluded.amount;"""
CREDITS = """
create table credits (
  client_id bigint not null constraint fk_credits_client_id references clients,
  currency varchar(3) not null,
  amount bigint not null,
  constraint pk_credits primary key (client_id, currency)
);
create index ix_credits_unused on credits (client_id) where amount > 0;
insert into credits (client_id, currency, amount)
select client_id, currency, -sum(amount) from ledger_entries where invoice_id is null group by client_id, currency;
"""
"""What a client has paid beyond their invoices, kept by the trigger that keeps balances: found without adding up."""

RUNS = """
create table leases (
  name varchar constraint pk_leases primary key,
  holder varchar not null,
  epoch bigint not null,
  expires_at timestamptz not null
);
create table run_slices (
  job varchar not null,
  day date not null,
  width bigint not null,
  slice bigint not null,
  clients int not null,
  changes jsonb not null,
  batches int not null,
  longest double precision not null,
  done_at timestamptz not null,
  constraint pk_run_slices primary key (job, day, width, slice)
);
"""

INDEXES = """
drop index ix_decisions_latest;
create index ix_decisions_latest on decisions (client_id, plan_name, currency, id) include (key);
alter table cases set (fillfactor = 85);
alter table contacts set (fillfactor = 85);
"""


def _trigger(table: str, event: str, function: str) -> str:
    return (
        f"create trigger mark_{event} after {event} on {table} "
        f"referencing new table as changed for each statement execute function {function}()"
    )


def upgrade() -> None:
    for statement in (PLANS, FEED, CREDITS, FOLLOW.format(credits=KEEP_CREDITS), RUNS, INDEXES):
        op.execute(statement)
    for function, watched in WATCHED.items():
        op.execute(MARK.format(name=function, clients=CLIENTS_OF[function]))
        for one in watched:
            table, event = one.split()
            op.execute(_trigger(table, event, function))


def downgrade() -> None:
    for function, watched in WATCHED.items():
        for one in watched:
            table, event = one.split()
            op.execute(f"drop trigger mark_{event} on {table}")
        op.execute(f"drop function {function}()")
    for table in ("changed_clients", "settled_marks", "run_slices", "leases"):
        op.execute(f"drop table {table}")
    op.execute(FOLLOW.format(credits=""))
    op.execute("drop table credits")
    op.execute("drop function plan_applies(bigint, varchar[], bigint, varchar, boolean)")
    op.execute("alter table cases reset (fillfactor)")
    op.execute("alter table contacts reset (fillfactor)")
    op.execute("drop index ix_decisions_latest")
    op.execute("create index ix_decisions_latest on decisions (client_id, plan_name, currency, id)")
