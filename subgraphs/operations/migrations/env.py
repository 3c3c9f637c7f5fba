"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.operations.model import Base

run_migrations(Base.metadata)
