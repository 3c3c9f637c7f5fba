"""The reference of `just bench reads`: the same part of academic's graph as one would write it well without the engine.

Strawberry's own execution, SQLAlchemy's ORM, a DataLoader for each relation. It has what the product has around it: the
application with token, tenant, metrics and logs, caches of parsed and validated documents, orjson, uvicorn as configured for
production. A request has one session on one connection; statements are built once and load only the columns that are asked for.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import strawberry
import uvicorn
from sqlalchemy import ARRAY, Date, Uuid, any_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped
from strawberry.dataloader import DataLoader
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache
from strawberry.federation.schema import FederationAny, Schema
from strawberry.schema.config import StrawberryConfig

from deploy.process import _settle_memory, server_config
from libs.db.database import binding_statement
from libs.graph import Info, Subgraph, subgraph_app
from libs.graph.depth import DepthRule
from libs.graph.scalars import SCALARS
from libs.settings import Settings, load_settings
from libs.telemetry import configure_logging
from subgraphs.academic.app import open_database
from subgraphs.academic.class_.model import Class as ClassModel
from subgraphs.academic.class_.queries import in_active_year, sitting_in
from subgraphs.academic.model import Tenant
from subgraphs.academic.student.model import Student as StudentModel
from subgraphs.academic.student.queries import class_of_today
from subgraphs.academic.student.rules import Gender

strawberry.enum(Gender)


class _Lean(DeclarativeBase):
    """Rows with the columns that are asked for and no others: leaving some out by option costs time for each row."""


class StudentRow(_Lean):
    """A pupil."""

    __table__ = StudentModel.__table__
    __mapper_args__ = {"include_properties": ["tenant_id", "id", "nis", "nisn", "full_name", "gender", "birth_date"]}  # noqa: RUF012 - SQLAlchemy reads it off the class
    tenant_id: Mapped[UUID]
    id: Mapped[UUID]
    nis: Mapped[str]
    nisn: Mapped[str | None]
    full_name: Mapped[str]
    gender: Mapped[str]
    birth_date: Mapped[date | None]


class ClassRow(_Lean):
    """A class."""

    __table__ = ClassModel.__table__
    __mapper_args__ = {"include_properties": ["tenant_id", "id", "name"]}  # noqa: RUF012 - SQLAlchemy reads it off the class
    tenant_id: Mapped[UUID]
    id: Mapped[UUID]
    name: Mapped[str]


_TENANT, _TODAY = bindparam("tenant", type_=Uuid), bindparam("today", type_=Date)
_KEYS = any_(bindparam("keys", type_=ARRAY(Uuid)))
_sitting, _regular = sitting_in(tenant_id=_TENANT, today=_TODAY), class_of_today(tenant_id=_TENANT, today=_TODAY)

_STUDENTS = (
    select(StudentRow)
    .where(StudentRow.tenant_id == _TENANT)
    .order_by(StudentRow.full_name, StudentRow.id)
    .limit(bindparam("first"))
)
_CLASSES = (
    select(ClassRow)
    .where(ClassRow.tenant_id == _TENANT, in_active_year(ClassModel.__table__.c.academic_year_id, tenant_id=_TENANT))
    .order_by(ClassRow.name, ClassRow.id)
    .limit(bindparam("first"))
)
_STUDENTS_OF_CLASSES = (
    select(_sitting.c.source_id, StudentRow)
    .join(_sitting, _sitting.c.target_id == StudentRow.id)
    .where(StudentRow.tenant_id == _TENANT, _sitting.c.source_id == _KEYS)
    .order_by(StudentRow.full_name, StudentRow.id)
)
_CLASSES_OF_STUDENTS = (
    select(_regular.c.source_id, ClassRow)
    .join(_regular, _regular.c.target_id == ClassRow.id)
    .where(ClassRow.tenant_id == _TENANT, _regular.c.source_id == _KEYS)
)
_STUDENTS_BY_ID = select(StudentRow).where(StudentRow.tenant_id == _TENANT, StudentRow.id == _KEYS)


class Reads:
    """The session of one request and what it has batched."""

    def __init__(self, session: AsyncSession, tenant_id: UUID, today: date) -> None:
        self._session = session
        self._given = {"tenant": tenant_id, "today": today}
        self._one_at_a_time = asyncio.Lock()
        self.students_of_class: DataLoader[UUID, list[StudentRow]] = DataLoader(self._students_of_classes)
        self.class_of_student: DataLoader[UUID, ClassRow | None] = DataLoader(self._classes_of_students)

    async def rows(self, statement: Any, **given: Any) -> Sequence[Any]:
        """Rows of a statement; those of one column are that column."""
        async with self._one_at_a_time:
            result = await self._session.execute(statement, self._given | given)
            return result.all()

    async def _students_of_classes(self, keys: list[UUID]) -> list[list[StudentRow]]:
        found: defaultdict[UUID, list[StudentRow]] = defaultdict(list)
        for class_id, student in await self.rows(_STUDENTS_OF_CLASSES, keys=keys):
            found[class_id].append(student)
        return [found[key] for key in keys]

    async def _classes_of_students(self, keys: list[UUID]) -> list[ClassRow | None]:
        rows = await self.rows(_CLASSES_OF_STUDENTS, keys=keys)
        found: dict[UUID, ClassRow] = {student_id: class_ for student_id, class_ in rows}  # noqa: C416 - SQLAlchemy's own rows
        return [found.get(key) for key in keys]


def _reads(info: Info) -> Reads:
    reads = info.context.extras
    assert isinstance(reads, Reads)
    return reads


@strawberry.federation.type(keys=["id"])
class Student:
    """A pupil; resolvers get the ORM's row, whose attributes have the names of the fields."""

    id: UUID
    nis: str
    nisn: str | None
    full_name: str
    gender: Gender
    birth_date: date | None

    @strawberry.field
    async def current_class(self, info: Info) -> "Class | None":
        """Regular class of today."""
        return await _reads(info).class_of_student.load(self.id)  # type: ignore[return-value] # the row stands for it


@strawberry.type
class StudentConnection:
    """A page of pupils."""

    nodes: list[Student]


@strawberry.federation.type(keys=["id"])
class Class:
    """A class; see Student."""

    id: UUID
    name: str

    @strawberry.field
    async def students(self, info: Info, first: int = 20) -> StudentConnection:
        """Pupils who sit in it today."""
        found: Any = await _reads(info).students_of_class.load(self.id)
        return StudentConnection(nodes=found[:first])


@strawberry.type
class ClassConnection:
    """A page of classes."""

    nodes: list[Class]


@strawberry.type
class Query:
    """The part of the graph that is measured."""

    @strawberry.field
    async def students(self, info: Info, first: int = 20) -> StudentConnection:
        """Pupils, by name."""
        found: Any = await _reads(info).rows(_STUDENTS, first=first)
        return StudentConnection(nodes=[student for (student,) in found])

    @strawberry.field
    async def classes(self, info: Info, first: int = 20) -> ClassConnection:
        """Classes of the active year, by name."""
        found: Any = await _reads(info).rows(_CLASSES, first=first)
        return ClassConnection(nodes=[class_ for (class_,) in found])


class ReferenceSchema(Schema):
    """Loads all wanted entities with one statement of the ORM."""

    async def entities_resolver(  # type: ignore[override]
        self, info: Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        """Pupils alone are asked for here."""
        keys = [UUID(each["id"]) for each in representations]  # type: ignore[index]
        rows = await _reads(info).rows(_STUDENTS_BY_ID, keys=keys)
        found = {student.id: _student(student) for (student,) in rows}
        return [found.get(key) for key in keys]  # type: ignore[misc]


def _student(row: StudentRow) -> Student:
    """The union of entities asks a value for its type, so it has to be one of the graph's."""
    return Student(
        id=row.id,
        nis=row.nis,
        nisn=row.nisn,
        full_name=row.full_name,
        gender=Gender(row.gender),
        birth_date=row.birth_date,
    )


def _session_extension(settings: Settings) -> type[SchemaExtension]:
    """One session, bound to the tenant, for each execution; as many connections as the product has."""
    engine = create_async_engine(
        settings.database_for("academic_app").replace("postgresql://", "postgresql+psycopg://"),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        connect_args={"options": f"-c statement_timeout={settings.statement_timeout_ms} -c timezone=UTC"},
    )

    class OneSession(SchemaExtension):
        async def on_execute(self) -> AsyncIterator[None]:
            context = self.execution_context.context
            binding = context.signed_in.binding("student")
            async with AsyncSession(engine, expire_on_commit=False, autoflush=False) as session:
                connection = await session.connection()
                await connection.exec_driver_sql(f"set transaction read only; {binding_statement(binding)}")
                context.extras = Reads(session, binding.tenant_id, context.today)
                yield
                await session.commit()  # a rollback would go through all rows once more, to expire them

    return OneSession


def main() -> None:
    """Serves on academic's port, as deploy/process.py serves academic."""
    settings = load_settings()
    configure_logging(settings, "reference")
    schema: Any = ReferenceSchema(
        query=Query,
        federation_version="2.9",
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=4_000),
            lambda: AddValidationRules([DepthRule]),
            lambda: ParserCache(maxsize=512),
            lambda: ValidationCache(maxsize=512),
            _session_extension(settings),
        ],
    )
    app = subgraph_app(Subgraph("academic", settings, schema, open_database(settings), Tenant.__table__))
    _settle_memory()
    uvicorn.Server(server_config(app, settings.host, settings.academic_port)).run()


if __name__ == "__main__":
    main()
