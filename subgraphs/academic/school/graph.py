"""The school in the graph, with the figures its principal sees first."""

from uuid import UUID

import strawberry
from sqlalchemy import Table

from libs.graph import Info, column, described_enum, entity, find_one, one
from subgraphs.academic.school import rules
from subgraphs.academic.school.model import School as SchoolRow
from subgraphs.academic.school.queries import active_teachers, classes_of_active_year, pupils_at_school

described_enum(
    rules.SchoolLevel,
    "Kind of school.",
    SD="Primary school, classes 1-6.",
    SMP="Lower secondary school, classes 7-9.",
    SMA="Upper secondary school, classes 10-12.",
    SMK="Vocational school, classes 10-12.",
)
_schools: Table = SchoolRow.__table__


@entity(_schools, resource="school_overview")
class SchoolOverview:
    """A school's figures at this moment; every part of the system adds its own."""

    id: UUID = column("Identity of the school.")
    students: int = column("Pupils who are at the school.", of=lambda t: pupils_at_school(t.c.tenant_id))
    classes: int = column("Classes of the active academic year.", of=lambda t: classes_of_active_year(t.c.tenant_id))
    teachers: int = column("Teachers who work at the school.", of=lambda t: active_teachers(t.c.tenant_id))


@entity(_schools, resource="school")
class School:
    """A school; its identity is that of the tenant."""

    id: UUID = column("Identity of the school.")
    name: str = column("Name of the school.")
    npsn: str | None = column("Number in the national register, 8 characters.")
    level: rules.SchoolLevel = column("Kind of school.")
    timezone: str = column("Time zone of the school's clock, like Asia/Jakarta.")
    overview: SchoolOverview | None = one("SchoolOverview", "Its figures at this moment.", local="id")


@strawberry.type
class SchoolQuery:
    """Queries about the school."""

    @strawberry.field(description="The school one works in; null for the platform.")
    async def school(self, info: Info) -> School | None:
        """The row of the actor's tenant."""
        return await find_one(info, School, id=info.context.signed_in.tenant_id)  # type: ignore[no-any-return]
