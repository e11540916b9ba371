"""The second factor of an account, and its recovery codes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("mfa_secret", sa.LargeBinary, nullable=True))
    op.add_column("accounts", sa.Column("mfa_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("accounts", sa.Column("mfa_step", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_recovery_codes_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_codes")),
    )


def downgrade() -> None:
    op.drop_table("recovery_codes")
    with op.batch_alter_table("accounts") as table:
        for name in ("mfa_step", "mfa_since", "mfa_secret"):
            table.drop_column(name)
