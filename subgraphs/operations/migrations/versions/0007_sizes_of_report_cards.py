"""What the file of a report card takes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "operations"


def upgrade() -> None:
    # Null for files that are there already: what they take was not written down.
    op.add_column("report_cards", sa.Column("file_bytes", sa.BigInteger, nullable=True), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("report_cards", "file_bytes", schema=SCHEMA)
