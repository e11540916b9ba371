"""What a link confirms, and a link for each sign-up. Not with 0007: no request waits for two tables."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("one_time_tokens", sa.Column("name", sa.String(100), nullable=True))
    op.add_column("one_time_tokens", sa.Column("password_hash", sa.String(256), nullable=True))
    with op.batch_alter_table("one_time_tokens") as table:
        table.drop_constraint(op.f("uq_one_time_tokens_account_id"), type_="unique")
    op.create_index(op.f("ix_one_time_tokens_account_id"), "one_time_tokens", ["account_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_one_time_tokens_account_id"), table_name="one_time_tokens")
    op.execute("DELETE FROM one_time_tokens WHERE purpose = 'verify'")  # of which an account may have several
    with op.batch_alter_table("one_time_tokens") as table:
        table.create_unique_constraint(op.f("uq_one_time_tokens_account_id"), ["account_id", "purpose"])
        for name in ("password_hash", "name"):
            table.drop_column(name)
