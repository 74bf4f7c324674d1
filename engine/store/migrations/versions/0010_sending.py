"""the queue of what is sent: by channel, with expiry, parked messages, and how each channel's carrier is doing"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OUTBOUND = """
alter table outbound
  add column channel varchar constraint ck_outbound_channel check (channel in ('sms', 'voice', 'email', 'telegram')),
  add column resent boolean not null default false,
  add column parked_at timestamptz;
update outbound o set channel = t.channel, resent = o.reason is not distinct from 'sent again after an unknown outcome'
from conversations t where t.id = o.conversation_id;
alter table outbound alter column channel set not null;
drop index ix_outbound_ready;
create index ix_outbound_ready on outbound (channel, priority, send_from, id) where state = 'ready';
create index ix_outbound_expiring on outbound (send_until) where state = 'ready';
create index ix_outbound_parked on outbound (parked_at) where parked_at is not null;
"""

CARRIERS = """
create table carriers (
  channel varchar constraint pk_carriers primary key
    constraint ck_carriers_channel check (channel in ('sms', 'voice', 'email', 'telegram')),
  tokens double precision not null default 0,
  filled_at timestamptz not null,
  paused_until timestamptz,
  failures int not null default 0,
  trips int not null default 0,
  open_until timestamptz
);
"""

BELLS = """
create function ring() returns trigger language plpgsql as $$
begin
  perform pg_notify(tg_argv[0], '');
  return null;
end $$;
create trigger ring_outbound after insert on outbound for each statement execute function ring('outbound');
create trigger ring_inbox after insert on inbox for each statement execute function ring('inbox');
"""
"""Equal notifications of one transaction are told once."""


def upgrade() -> None:
    for statement in (OUTBOUND, CARRIERS, BELLS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger ring_inbox on inbox")
    op.execute("drop trigger ring_outbound on outbound")
    op.execute("drop function ring()")
    op.drop_table("carriers")
    op.execute("drop index ix_outbound_parked")
    op.execute("drop index ix_outbound_expiring")
    op.execute("drop index ix_outbound_ready")
    op.execute("alter table outbound drop column parked_at, drop column resent, drop column channel")
    op.execute("create index ix_outbound_ready on outbound (priority, id) where state = 'ready'")
