"""A small subgraph for the tests of libs/graph: shelves with books, declared as a domain declares its types."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import strawberry
from sqlalchemy import Column, Date, DateTime, FromClause, MetaData, Select, Table, Text, Uuid, func, insert, select
from starlette.applications import Starlette

from libs.crypto import KeyRing
from libs.db import Database
from libs.events.outbox import OutboxWriter
from libs.graph import (
    Aggregates,
    Call,
    Connection,
    EmailAddress,
    Info,
    PhoneNumber,
    ReadContext,
    RequestContext,
    Subgraph,
    aggregates,
    column,
    compared,
    compared_any,
    computed,
    connection,
    count,
    described_enum,
    entity,
    error,
    find_one,
    given,
    given_out,
    many,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
    stub,
    subgraph_app,
    subgraph_schema,
)
from libs.kernel import DomainError, FieldFault
from libs.settings import Settings

DDL = """
create table academic.shelves (tenant_id uuid not null default app_tenant(), id uuid not null default uuidv7(), name text not null,
  primary key (tenant_id, id), constraint uq_shelves_name unique (tenant_id, name));
create table academic.books (tenant_id uuid not null default app_tenant(), id uuid not null default uuidv7(), shelf_id uuid not null,
  owner_id uuid, title text not null, kind text not null, printed date, primary key (tenant_id, id));
create table academic.book_words (tenant_id uuid not null default app_tenant(), book_id uuid not null, token text collate "C" not null,
  primary key (tenant_id, book_id, token));
"""
PROTECT = """
alter table academic.{t} enable row level security;
create policy tenant on academic.{t} to academic_app using (tenant_id = (select app_tenant())) with check (tenant_id = (select app_tenant()));
create policy owner on academic.{t} to academic_owner using (true) with check (true);
grant select, insert, update, delete on academic.{t} to academic_app;
"""

meta = MetaData(schema="academic")
shelves = Table("shelves", meta, Column("tenant_id", Uuid), Column("id", Uuid), Column("name", Text))
books = Table(
    "books",
    meta,
    *(Column(name, Uuid) for name in ("tenant_id", "id", "shelf_id", "owner_id")),
    Column("title", Text),
    Column("kind", Text),
    Column("printed", Date),
)
words = Table("book_words", meta, Column("tenant_id", Uuid), Column("book_id", Uuid), Column("token", Text))


class Kind(StrEnum):
    NOVEL = "NOVEL"
    ATLAS = "ATLAS"


described_enum(Kind, "Kind of a book.", NOVEL="A story.", ATLAS="Maps.")


class NameTaken(DomainError):
    code = "NAME_TAKEN"
    texts: ClassVar = {"id": "Nama {name} sudah dipakai.", "en": "The name {name} is taken."}


@entity(None, resource="student")
class User:
    """An account."""

    id: UUID = column("Identity.")


batches: list[int] = []


async def secrets(_: Call, rows: Sequence[Any]) -> list[str]:
    batches.append(len(rows))
    return [f"secret of {row.title}" for row in rows]


def titles_on(shelf: FromClause, _: ReadContext) -> Select[str]:
    return select(books.c.title).where(books.c.tenant_id == shelf.c.tenant_id, books.c.shelf_id == shelf.c.id)


@entity(shelves, resource="class", conditions={"book_title": compared_any("Titles on it.", str, titles_on)})
class Shelf:
    """A shelf."""

    id: UUID = column("Identity.", filter=True)
    name: str = column("Name.", filter=True, order=True)
    books: Connection[Annotated["Book", strawberry.lazy(__name__)]] = connection(
        "Book", "Its books.", remote="shelf_id", order="title"
    )
    first_books: list[Annotated["Book", strawberry.lazy(__name__)]] = many(
        "Book", "Its books.", remote="shelf_id", order="title desc"
    )
    book_aggregates: Aggregates[Annotated["Book", strawberry.lazy(__name__)]] = aggregates(
        "Book", "Figures of its books.", remote="shelf_id"
    )
    book_count: int = count("Book", "How many books.", remote="shelf_id")


def visible_books(t: Any, ctx: Any) -> Any:
    return t.c.owner_id == ctx.user_id


OWNER = {"owner_id": compared("Whose it is.", UUID, lambda t: t.c.owner_id)}


@entity(books, resource="student", visible=visible_books, conditions=OWNER)
class Book:
    """A book."""

    id: UUID = column("Identity.", filter=True)
    title: str = column(
        "Title.", filter=True, order=True, search=(words, "book_id", lambda text: text.casefold().split())
    )
    kind: Kind = column("Kind.", filter=True, order=True, group=True)
    printed: date | None = column("Day of printing.", filter=True)
    price: str | None = column("Price.", of=lambda t: t.c.kind, filter=True, group=True, permission="user:read_contact")
    class_: Kind = column("The kind, under a name that Python keeps.", of=lambda t: t.c.kind, filter=True)
    length: int = column("Length of the title.", of=lambda t: func.length(t.c.title), measure=True)
    shelf: Annotated["Shelf", strawberry.lazy(__name__)] | None = one("Shelf", "Where it stands.", group=True)
    place: Annotated["Shelf", strawberry.lazy(__name__)] = one("Shelf", "Where it must stand.", local="shelf_id")
    owner: User | None = stub("owner_id", "Whose it is.")
    secret: str | None = computed(
        "A secret.", batch=secrets, columns=("title",), permission="user:read_contact", own="owner_id"
    )


@error(NameTaken)
class NameTakenError:
    """Another shelf has the name."""

    name: str = given_out("The name.")


@strawberry.input(description="A new shelf.")
class AddShelfInput:
    name: str = given("Name.", max_length=20)
    email: EmailAddress | None = given("A contact.", default=None)
    phone: PhoneNumber | None = given("A number.", default=None)
    size: int = given("Size.", default=1, min=1, max=9)


@result
class AddShelfSuccess:
    """The shelf stands."""

    shelf_id: strawberry.Private[UUID]
    phone: str | None = given_out("The number as kept.")
    shelf: Shelf | None = one("Shelf", "The shelf.")


@strawberry.input(description="A note.")
class LeaveNoteInput:
    text: str = given("What it says.", max_length=9)
    until: date = given("Last day it is kept.")

    def faults(self, today: date) -> list[FieldFault]:
        """A rule of the domain."""
        return [FieldFault("input.until", "IS_PAST")] if self.until < today else []


@result
class LeaveNoteSuccess:
    """The note is kept."""

    length: int = given_out("Characters.")
    kept_at: datetime = given_out("Since when.")


@strawberry.type
class Query:
    shelves: Connection[Shelf] = root_connection(Shelf, "Shelves.", order="name")
    books: Connection[Book] = root_connection(Book, "Books.", order="title")
    book_aggregates = root_aggregates(Book, "Figures.")

    @strawberry.field(description="One book.")
    async def book(self, info: Info, id: UUID | None = None, title: str | None = None) -> Book | None:
        return await find_one(info, Book, id=id, title=title)

    @strawberry.field(description="Breaks.")
    def broken(self) -> int:
        raise RuntimeError("select * from secrets where password = 'hunter2'")


async def slow_length(_: RequestContext, input: LeaveNoteInput) -> int:
    """How long the note is, which must not be a dash."""
    if input.text == "-":
        raise NameTaken(name="")
    return len(input.text)


@strawberry.type
class Mutation:
    @mutation(permission="class:create", errors=(NameTakenError,))
    async def add_shelf(self, call: Call, input: AddShelfInput) -> AddShelfSuccess:
        """Adds a shelf."""
        async with call.tx.rejecting({"uq_shelves_name": lambda: NameTaken(name=input.name)}):
            await call.tx.execute(
                insert(shelves).values(id=(new := call.tx.new_id()), name=input.name, tenant_id=call.tx.tenant_id)
            )
        return AddShelfSuccess(shelf_id=new, phone=input.phone)

    @mutation(public=True)
    async def greet(self, call: Call) -> AddShelfSuccess:
        """Needs nobody."""
        shelf = (await call.tx.execute(select(shelves.c.id).limit(1))).scalar()
        return AddShelfSuccess(shelf_id=shelf, phone=None)

    @mutation(public=True, feature="FINANCE")
    async def leave_note(self, call: Call, input: LeaveNoteInput) -> LeaveNoteSuccess:
        """Needs nobody, but the feature."""
        return LeaveNoteSuccess(length=len(input.text), kept_at=call.now)

    @mutation(prepare=slow_length, settles=["PASSWORD_CHANGE"], errors=(NameTakenError,))
    async def weigh_note(self, call: Call, input: LeaveNoteInput) -> LeaveNoteSuccess:
        """Is prepared outside of its transaction, and is open to whoever has to change the password."""
        assert call.prepared == len(input.text)
        return LeaveNoteSuccess(length=call.prepared, kept_at=call.now)


schema = subgraph_schema(query=Query, mutation=Mutation)
tenants = Table(
    "tenants",
    meta,
    *(Column(n, Uuid) for n in ("tenant_id", "id")),
    *(Column(n, Text) for n in ("timezone", "status", "features")),
    Column("updated_at", DateTime(timezone=True)),
)


def create_app(settings: Settings) -> Starlette:
    database = Database(settings, "academic", on_flush=OutboxWriter("academic", KeyRing.from_settings(settings)))
    return subgraph_app(Subgraph(__name__, settings, schema, database, tenants))
