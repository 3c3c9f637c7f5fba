"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.finance.billing_config import model as _billing_config  # noqa: F401 - declares its tables
from subgraphs.finance.invoice import model as _invoice  # noqa: F401 - declares its tables
from subgraphs.finance.ledger import model as _ledger  # noqa: F401 - declares its tables
from subgraphs.finance.model import Base
from subgraphs.finance.payment import model as _payment  # noqa: F401 - declares its tables
from subgraphs.finance.roster import model as _roster  # noqa: F401 - declares its tables
from subgraphs.finance.series import model as _series  # noqa: F401 - declares its tables

run_migrations(Base.metadata)
