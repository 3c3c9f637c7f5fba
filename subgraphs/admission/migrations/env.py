"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.admission.application import model as _application  # noqa: F401 - declares its tables
from subgraphs.admission.model import Base
from subgraphs.admission.period import model as _period  # noqa: F401 - declares its tables
from subgraphs.admission.roster import model as _roster  # noqa: F401 - declares its tables

run_migrations(Base.metadata)
