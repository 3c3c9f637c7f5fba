"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.notification.contact import model as _contact  # noqa: F401 - declares its tables
from subgraphs.notification.model import Base
from subgraphs.notification.notification import model as _notification  # noqa: F401 - declares its tables

run_migrations(Base.metadata)
