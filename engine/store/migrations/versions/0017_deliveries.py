"""a delivery is news for whom the plan of the case waits for one, whatever version the contact was made by"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MARK = """
create or replace function mark_by_contact() returns trigger language plpgsql as $$
begin
  if current_setting('amiable.deciding', true) is distinct from 'on' then
    insert into changed_clients (client_id)
    select distinct t.client_id
    from changed c join contacts t on t.id = c.contact_id and t.occasion = 'stage'
    join conversations v on v.id = c.conversation_id {plan}
    where (c.state in ('delivered', 'read') or v.channel = 'email') and p.terms @? '$.stages[*].needs_delivered';
  end if;
  return null;
end $$;
"""


def upgrade() -> None:
    op.execute(MARK.format(plan="join cases k on k.id = t.case_id join plans p on p.id = k.plan_id"))


def downgrade() -> None:
    op.execute(MARK.format(plan="join plans p on p.id = t.plan_id"))
