"""Deleted accounts have an index of their own, and stand in those no more that lists of accounts walk."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "identity"


def upgrade() -> None:
    _index("ix_users_deleted", "deleted_at", where="deleted_at is not null")
    _reorder(where="deleted_at is null")


def downgrade() -> None:
    _reorder()
    op.drop_index("ix_users_deleted", "users", schema=SCHEMA)


def _reorder(*, where: str | None = None) -> None:
    for column in ("name", "created_at"):
        op.drop_index(f"ix_users_tenant_id_{column}_id", "users", schema=SCHEMA)
        _index(f"ix_users_tenant_id_{column}_id", column, where=where)


def _index(name: str, column: str, *, where: str | None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, "users", ["tenant_id", column, "id"], schema=SCHEMA, postgresql_where=condition)
