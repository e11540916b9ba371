"""What a session shows of its device: when it was last used, its address and its agent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("last_used_at", moment, nullable=True))
    op.add_column("sessions", sa.Column("address", sa.String(64), nullable=True))
    op.add_column("sessions", sa.Column("agent", sa.String(200), nullable=True))
    # The sessions that are there go on: their beginning is the last use that is known of them.
    op.execute("UPDATE sessions SET last_used_at = created_at")
    with op.batch_alter_table("sessions") as table:
        table.alter_column("last_used_at", existing_type=moment, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        for name in ("agent", "address", "last_used_at"):
            table.drop_column(name)
