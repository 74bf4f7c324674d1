"""orders are acknowledged by the other system, tasks end with a result"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ORDERS = """
alter table service_orders
  add column acknowledged_at timestamptz,
  add column outcome varchar,
  add column reference varchar,
  add column note varchar,
  add constraint ck_service_orders_outcome check (outcome in ('done', 'refused')),
  add constraint ck_service_orders_acknowledged check ((acknowledged_at is null) = (outcome is null));
create index ix_service_orders_open on service_orders (id) where acknowledged_at is null;
create index ix_service_orders_account_id on service_orders (account_id);
"""

TASKS = """
alter table tasks
  add column due_on date,
  add column assigned_to bigint constraint fk_tasks_assigned_to references users,
  add column assigned_at timestamptz,
  add column done_by bigint constraint fk_tasks_done_by references users,
  add column result varchar,
  add column person varchar,
  add column late_reason varchar,
  add column note varchar,
  add constraint ck_tasks_result check
    (result in ('reached', 'not_reached', 'left_message', 'promised', 'refused_to_pay', 'wrong_number', 'other'));
create index ix_tasks_open on tasks (created_at, id) where done_at is null;
"""

OF_CLIENT = "select array_agg(distinct client_id) from changed"
WATCHED = (("service_orders", "insert"), ("service_orders", "update"))


def _watch(table: str, event: str) -> str:
    name = f"tell_console_{table}_{event}"
    return f"""
create function {name}() returns trigger language plpgsql as $$
begin
  perform tell_console(coalesce(({OF_CLIENT}), '{{}}'));
  return null;
end $$;
create trigger {name} after {event} on {table} referencing new table as changed
  for each statement execute function {name}();
"""


def upgrade() -> None:
    op.execute(ORDERS)
    op.execute(TASKS)
    for watched in WATCHED:
        op.execute(_watch(*watched))


def downgrade() -> None:
    for table, event in WATCHED:
        op.execute(f"drop trigger tell_console_{table}_{event} on {table}")
        op.execute(f"drop function tell_console_{table}_{event}()")
    op.execute("drop index ix_tasks_open")
    for column in ("due_on", "assigned_to", "assigned_at", "done_by", "result", "person", "late_reason", "note"):
        op.drop_column("tasks", column)
    op.execute("drop index ix_service_orders_open")
    op.execute("drop index ix_service_orders_account_id")
    op.execute("alter table service_orders drop constraint ck_service_orders_acknowledged")
    for column in ("acknowledged_at", "outcome", "reference", "note"):
        op.drop_column("service_orders", column)
