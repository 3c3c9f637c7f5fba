"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.operations.attendance import model as _attendance  # noqa: F401 - declares its tables
from subgraphs.operations.grading import model as _grading  # noqa: F401 - declares its tables
from subgraphs.operations.model import Base
from subgraphs.operations.report_card import model as _report_card  # noqa: F401 - declares its tables
from subgraphs.operations.roster import model as _roster  # noqa: F401 - declares its tables

run_migrations(Base.metadata)
