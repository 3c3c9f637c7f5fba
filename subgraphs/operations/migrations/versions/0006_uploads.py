"""Files that were uploaded for an import."""

from alembic import op

from libs.files import create_file_table
from subgraphs.operations.model import Base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_file_table(Base.metadata)


def downgrade() -> None:
    op.drop_table("files", schema="operations")
