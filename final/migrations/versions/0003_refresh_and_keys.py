"""Which generation of its refresh token a session has come to, and the keys that sign access tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Sessions from before have no refresh token; they go on until their access token ends.
    op.add_column("sessions", sa.Column("generation", sa.Integer, nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("refreshed_at", moment, nullable=True))
    op.create_table(
        "signing_keys",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kid", sa.String(43), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("private_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("signs_from", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("kid", name=op.f("uq_signing_keys_kid")),
    )


def downgrade() -> None:
    op.drop_table("signing_keys")
    with op.batch_alter_table("sessions") as table:
        for name in ("refreshed_at", "generation"):
            table.drop_column(name)
