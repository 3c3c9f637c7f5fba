"""Alembic's entry: the models of every aggregate, so that the drift check sees all tables."""

from libs.db.migrations import run_migrations
from subgraphs.academic.academic_year import model as _academic_year  # noqa: F401 - declares its tables
from subgraphs.academic.class_ import model as _class  # noqa: F401 - declares its tables
from subgraphs.academic.class_subject import model as _class_subject  # noqa: F401 - declares its tables
from subgraphs.academic.enrollment import model as _enrollment  # noqa: F401 - declares its tables
from subgraphs.academic.holiday import model as _holiday  # noqa: F401 - declares its tables
from subgraphs.academic.model import Base
from subgraphs.academic.room import model as _room  # noqa: F401 - declares its tables
from subgraphs.academic.schedule import model as _schedule  # noqa: F401 - declares its tables
from subgraphs.academic.school import model as _school  # noqa: F401 - declares its tables
from subgraphs.academic.student import model as _student  # noqa: F401 - declares its tables
from subgraphs.academic.subject import model as _subject  # noqa: F401 - declares its tables
from subgraphs.academic.teacher import model as _teacher  # noqa: F401 - declares its tables

run_migrations(Base.metadata)
