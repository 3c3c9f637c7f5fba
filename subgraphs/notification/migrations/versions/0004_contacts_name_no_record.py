"""Contacts without the record that an account was made for: nobody asked them for it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("contacts", "record_id", schema="notification")


def downgrade() -> None:
    op.add_column("contacts", sa.Column("record_id", sa.Uuid, nullable=True), schema="notification")
