"""A school that grades: two classes in a running semester, two subjects each, and people in every role."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.auth import Actor
from libs.crypto import KeyRing, Vault
from libs.db import Database, TenantTransaction
from libs.kernel import Binding, Scope, new_id, utc_now
from libs.settings import Settings
from libs.testing import GraphAnswer, GraphClient, actor_of
from subgraphs.operations.grading.model import Assessment
from subgraphs.operations.grading.operations import (
    Entry,
    Grader,
    Recorded,
    create_assessment,
    record_grades,
    set_grade_categories,
)
from subgraphs.operations.model import person_keys
from subgraphs.operations.roster import model as roster

TODAY = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
WEIGHTS = (("Tugas", 20), ("UH", 30), ("UTS", 20), ("UAS", 30))
ROLES = ("principal", "school_admin", "teacher", "homeroom", "student", "parent", "finance_staff")


@dataclass
class School:
    """X-1 (led by `homeroom`) with pupils 0 and 1, X-2 with pupil 2. Matematika (KKM 75) is taught in X-1 by `teacher`,
    Biologi (KKM 70) by nobody who asks; `student` and `parent` are those of pupil 0."""

    database: Database
    tenant_id: UUID
    as_owner: Callable[..., list[dict]]
    vault: Vault
    graph: GraphClient
    semester: UUID = field(default_factory=new_id)
    year: UUID = field(default_factory=new_id)
    classes: list[UUID] = field(default_factory=lambda: [new_id(), new_id()])
    students: list[UUID] = field(default_factory=lambda: [new_id() for _ in range(3)])
    maths: UUID = field(default_factory=new_id)
    biology: UUID = field(default_factory=new_id)
    taught: dict[tuple[int, str], UUID] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)

    @asynccontextmanager
    async def write(self, scope: Scope = Scope.TENANT) -> AsyncIterator[TenantTransaction]:
        async with self.database.write(Binding(self.tenant_id, scope)) as tx:
            yield tx

    def rows(self, table: str) -> list[dict]:
        """This school's rows as the owner sees them."""
        statement = f"select * from operations.{table} where tenant_id = %s order by created_at, id"
        return self.as_owner("operations", statement, (self.tenant_id,))

    @property
    def any_subject(self) -> Grader:
        return Grader(self.actors["school_admin"].user_id, any_subject=True)

    def grader(self, actor: str) -> Grader:
        return Grader(self.actors[actor].user_id, any_subject=False)

    async def categories(
        self, class_subject_id: UUID, categories: Sequence[tuple[str, int]] = WEIGHTS, grader: Grader | None = None
    ) -> list[tuple[str, int]]:
        async with self.write() as tx:
            kept = await set_grade_categories(
                tx, grader=grader or self.any_subject, class_subject_id=class_subject_id, categories=categories
            )
        return [(each.name, each.weight) for each in kept]

    async def assessment(
        self,
        class_subject_id: UUID,
        category: str = "Tugas",
        *,
        max_score: int = 100,
        grader: Grader | None = None,
    ) -> Assessment:
        async with self.write() as tx:
            return await create_assessment(
                tx,
                grader=grader or self.any_subject,
                class_subject_id=class_subject_id,
                category=category,
                title=f"{category} 1",
                max_score=max_score,
                assessment_date=TODAY,
            )

    async def record(
        self, assessment: Assessment, scores: dict[UUID, Any], grader: Grader | None = None, notes: str | None = None
    ) -> Recorded:
        entries = [Entry(id_, None if s is None else Decimal(str(s)), notes) for id_, s in scores.items()]
        async with self.write() as tx:
            return await record_grades(
                tx, grader=grader or self.any_subject, assessment_id=assessment.id, entries=entries
            )

    async def graded(self, class_subject_id: UUID, scores: dict[str, dict[UUID, Any]]) -> None:
        """Categories as WEIGHTS, an assessment for each of those in `scores`, and the scores."""
        await self.categories(class_subject_id)
        for category, marks in scores.items():
            await self.record(await self.assessment(class_subject_id, category), marks)

    async def ask(self, query: str, actor: str = "principal", **variables: Any) -> GraphAnswer:
        return await self.graph(query, variables, actor=self.actors[actor])

    async def students_as(self, actor: str, selection: str, students: Sequence[UUID] | None = None) -> list[Any]:
        """Pupils as the router asks for them."""
        query = f"query($keys: [_Any!]!) {{ _entities(representations: $keys) {{ ... on Student {{ {selection} }} }} }}"
        keys = [{"__typename": "Student", "id": str(each)} for each in students or self.students]
        return (await self.ask(query, actor, keys=keys)).ok()["_entities"]

    async def change(self, field_: str, answer: str, actor: str = "teacher", **values: Any) -> dict[str, Any]:
        """Runs a mutation; `answer` selects from its success. Answers the union member."""
        kind = field_[0].upper() + field_[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {field_}(input: $input) {{ __typename "
            f"... on UserError {{ code message }} ... on InvalidInput {{ fields {{ path code }} }} {answer} }} }}"
        )
        return (await self.graph(document, {"input": values}, actor=self.actors[actor])).ok()[field_]


async def make_school(settings: Settings, database: Database, tenant_id: UUID, as_owner, graph: GraphClient) -> School:
    """See School."""
    made = School(database, tenant_id, as_owner, Vault(KeyRing.from_settings(settings), person_keys), graph)
    for role in ROLES:
        system_role = "teacher" if role == "homeroom" else role
        own = (made.students[0],) if role in ("student", "parent") else ()
        made.actors[role] = actor_of(system_role, tenant_id, student_ids=own)
    async with made.write(Scope.SYSTEM) as tx:
        tx.add(*_calendar(made), *await _people(tx, made), *_lessons(made))
    return made


def _calendar(made: School) -> list[Any]:
    start, end = TODAY - timedelta(days=60), TODAY + timedelta(days=60)
    return [
        roster.AcademicYear(id=made.year, sequence=1, name="2026/2027"),
        roster.Semester(
            id=made.semester, sequence=1, academic_year_id=made.year, name="Semester Ganjil", number=1,
            start_date=start, end_date=end, is_active=True,
        ),
    ]  # fmt: skip


async def _people(tx: TenantTransaction, made: School) -> list[Any]:
    homeroom_id = new_id()
    people = [*made.students, homeroom_id]
    keys = await made.vault.person_keys(tx, people, create=True)

    def sealed(table: str, person: UUID, name: str) -> bytes:
        return keys[person].encrypt(name, table=table, column="name", row_id=person, tenant_id=made.tenant_id)

    names = ("Ani Lestari", "Budi Santoso", "Citra <b>Ayu</b>")
    rows: list[Any] = [
        roster.Student(
            id=id_, sequence=1, nis=f"10{n}", nisn=f"000000000{n}", status="ACTIVE", name=sealed("students", id_, name)
        )
        for n, (id_, name) in enumerate(zip(made.students, names, strict=True))
    ]
    led_by = made.actors["homeroom"].user_id
    teacher_name = sealed("teachers", homeroom_id, "Siti Aminah, S.Pd.")
    rows.append(roster.Teacher(id=homeroom_id, sequence=1, user_id=led_by, name=teacher_name))
    for n, class_id in enumerate(made.classes):
        leads = {"homeroom_teacher_id": homeroom_id, "homeroom_user_id": led_by} if n == 0 else {}
        rows.append(
            roster.Class(id=class_id, sequence=1, academic_year_id=made.year, name=f"X-{n + 1}", level=10, **leads)
        )
    for n, id_ in enumerate(made.students):
        rows.append(sitting(id_, made.classes[n // 2], TODAY - timedelta(days=60)))
    return rows


def sitting(student_id: UUID, class_id: UUID, since: date, until: date | None = None) -> roster.Enrollment:
    return roster.Enrollment(
        id=new_id(), sequence=1, student_id=student_id, class_id=class_id, valid_from=since, valid_to=until
    )


def _lessons(made: School) -> list[Any]:
    rows: list[Any] = [
        roster.Subject(id=made.maths, sequence=1, code="MAT", name="Matematika", kkm=75),
        roster.Subject(id=made.biology, sequence=1, code="BIO", name="Biologi", kkm=70),
    ]
    for n, class_id in enumerate(made.classes):
        for code, subject in (("MAT", made.maths), ("BIO", made.biology)):
            id_ = made.taught[n, code] = new_id()
            rows.append(
                roster.ClassSubject(
                    id=id_, sequence=1, class_id=class_id, subject_id=subject, semester_id=made.semester
                )
            )
    since = TODAY - timedelta(days=60)
    rows.append(
        roster.Teaching(
            id=new_id(), sequence=1, class_subject_id=made.taught[0, "MAT"], teacher_id=new_id(),
            user_id=made.actors["teacher"].user_id, valid_from=since,
        )
    )  # fmt: skip
    return rows
