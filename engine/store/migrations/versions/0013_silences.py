"""what is to be done when nobody answers a question of a talk, and when"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SILENCES = """
create table silences (
  conversation_id bigint not null
    constraint fk_silences_conversation_id_conversations references conversations,
  turn integer not null,
  rung integer not null,
  due_at timestamptz not null,
  constraint pk_silences primary key (conversation_id, turn, rung)
);
create index ix_silences_due_at on silences (due_at);
"""


def upgrade() -> None:
    op.execute(SILENCES)


def downgrade() -> None:
    op.drop_table("silences")
