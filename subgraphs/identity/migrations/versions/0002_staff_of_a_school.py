"""An index of who works for a school: what families see of its accounts, which are theirs for the most part."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_users_staff", "users", ["tenant_id", "id"], schema="identity", postgresql_where=sa.text("staff")
    )


def downgrade() -> None:
    op.drop_index("ix_users_staff", table_name="users", schema="identity")
