"""The platform may read which schools there are: processes ask for all that changed instead of school by school."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ITS_OWN = "tenant_id = (select app_tenant())"


def upgrade() -> None:
    op.execute(f"alter policy tenant on academic.tenants using ({_ITS_OWN} or (select app_tenant()) = app_platform())")


def downgrade() -> None:
    op.execute(f"alter policy tenant on academic.tenants using ({_ITS_OWN})")
