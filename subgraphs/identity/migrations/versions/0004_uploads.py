"""Files that were uploaded for an import."""

from alembic import op

from libs.files import create_file_table
from subgraphs.identity.model import Base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_file_table(Base.metadata)


def downgrade() -> None:
    op.drop_table("files", schema="identity")
