"""What the link of a later sign-up confirms, as long as its letter waits."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("name", sa.String(100), nullable=True))
    op.add_column("outbox", sa.Column("password_hash", sa.String(256), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        for name in ("password_hash", "name"):
            table.drop_column(name)
