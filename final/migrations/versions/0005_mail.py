"""Mail: the outbox, the tokens in its links, and what they prove. Also the version of an account."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column("accounts", sa.Column("verified_at", moment, nullable=True))
    # This locks out no owner of an account: they go on as if they had confirmed their address.
    op.execute("UPDATE accounts SET verified_at = created_at")
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_one_time_tokens_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("account_id", "purpose", name=op.f("uq_one_time_tokens_account_id")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_outbox_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_account_id"), "outbox", ["account_id"])
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"])


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("one_time_tokens")
    with op.batch_alter_table("accounts") as table:
        for name in ("verified_at", "version"):
            table.drop_column(name)
