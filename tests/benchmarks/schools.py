"""Schools by the thousand for `just bench reads`, written by SQL: every identity follows from its numbers.

Indexes and constraints stay in force; only the look-ups of foreign keys are left out, which these rows hold by their making.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from libs.settings import Settings

TENANT, YEAR, CLASS, STUDENT, ENROLLMENT, NAME, GUARDIAN, LINK = range(8)
_BATCH = 50  # schools written by one statement

_IDENTITY = """
create or replace function pg_temp.ident(kind int, school int, number bigint) returns uuid language sql immutable
  return (lpad(to_hex(school), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8000' || lpad(to_hex(number), 12, '0'))::uuid
"""
_GIVEN = (
    "Adi Agus Ahmad Anisa Ayu Bagas Bayu Citra Dewi Dian Eka Fajar Fitri Galih Hana Indah Intan Joko Kartika Lestari"
)
_FAMILY = (
    "Hidayat Kusuma Lubis Maharani Nasution Nugroho Permata Pratama Purnama Putra Rahayu Saputra Sari Setiawan Siregar"
)
_LIST = "(string_to_array('{words}', ' '))[1 + {number} %% {count}]"
_NAME = (
    f"{_LIST.format(words=_GIVEN, number='(n * 7)', count=len(_GIVEN.split()))} || ' ' || "
    f"{_LIST.format(words=_FAMILY, number='n', count=len(_FAMILY.split()))} || ' ' || n"
)
_STATEMENTS = (
    f"""insert into academic.tenants (tenant_id, id, sequence, slug, name, level, timezone, status, features, quotas)
    select i, i, 1, 'school-' || s, 'School ' || s, 'SMA', 'Asia/Jakarta', 'ACTIVE', array['ATTENDANCE'], '{{}}'
    from unnest(%(schools)s::int[]) s, lateral (select pg_temp.ident({TENANT}, s, 0) as i)""",
    """insert into academic.schools (tenant_id, id, name, level, timezone, sequence)
    select id, id, name, level, timezone, 1 from academic.tenants where id = any(%(ids)s)""",
    f"""insert into academic.academic_years (tenant_id, id, name, start_date, end_date, is_active)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({YEAR}, s, y), 'Year ' || y,
      %(today)s::date - 100 - 365 * y, %(today)s::date + 264 - 365 * y, y = 0
    from unnest(%(schools)s::int[]) s, generate_series(0, %(past)s) y""",
    # Classes of the year y ago are numbered from y * classes.
    f"""insert into academic.classes (tenant_id, id, academic_year_id, name, level, max_students, enrolled_count)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({CLASS}, s, y * %(classes)s + c), pg_temp.ident({YEAR}, s, y),
      'X IPA ' || lpad((c + 1)::text, 2, '0'), 10 + c %% 3, 100, %(seats)s
    from unnest(%(schools)s::int[]) s, generate_series(0, %(past)s) y, generate_series(0, %(classes)s - 1) c""",
    f"""insert into academic.students (tenant_id, id, nis, nisn, full_name, gender, birth_date, entry_year, status)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({STUDENT}, s, n), lpad(n::text, 6, '0'), lpad(n::text, 10, '0'), {_NAME},
      case when n %% 2 = 0 then 'FEMALE' else 'MALE' end, date '2009-01-01' + (n %% 1000)::int, 2025,
      case when n < %(seats)s * %(classes)s then 'ACTIVE' else 'GRADUATED' end
    from unnest(%(schools)s::int[]) s, generate_series(0, %(students)s - 1) n""",
    f"""insert into academic.enrollments (tenant_id, id, class_id, student_id, academic_year_id, valid_from, valid_to)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({ENROLLMENT}, s, y * %(students)s + n),
      pg_temp.ident({CLASS}, s, y * %(classes)s + n %% %(classes)s), pg_temp.ident({STUDENT}, s, n), pg_temp.ident({YEAR}, s, y),
      %(today)s::date - 100 - 365 * y, %(today)s::date + 265 - 365 * y
    from unnest(%(schools)s::int[]) s, generate_series(0, %(past)s) y, generate_series(0, %(students)s - 1) n
    where y > 0 or n < %(seats)s * %(classes)s""",
    f"""insert into academic.student_names (tenant_id, id, student_id, token)
    select tenant_id, pg_temp.ident({NAME}, s, 3 * n + at - 1), pg_temp.ident({STUDENT}, s, n), lower(token)
    from unnest(%(schools)s::int[]) s, generate_series(0, %(students)s - 1) n, pg_temp.ident({TENANT}, s, 0) tenant_id,
      unnest(string_to_array({_NAME}, ' ')) with ordinality as words(token, at)""",
    f"""insert into academic.guardians (tenant_id, id, name)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({GUARDIAN}, s, n), {_NAME}
    from unnest(%(schools)s::int[]) s, generate_series(0, %(guardians)s - 1) n""",
    f"""insert into academic.student_guardians (tenant_id, id, student_id, guardian_id, relation)
    select pg_temp.ident({TENANT}, s, 0), pg_temp.ident({LINK}, s, n), pg_temp.ident({STUDENT}, s, n %% %(students)s),
      pg_temp.ident({GUARDIAN}, s, n), 'GUARDIAN'
    from unnest(%(schools)s::int[]) s, generate_series(0, %(guardians)s - 1) n""",
)
_TABLES = ("academic_years", "classes", "students", "enrollments", "student_names", "guardians", "student_guardians")


@dataclass(frozen=True, slots=True)
class School:
    """What each school has: classes of this year with `seats` pupils each, and pupils who have left.

    In each of the `past` years before, all of these pupils sat in as many classes of that year.
    """

    classes: int = 15
    seats: int = 36
    former: int = 0
    past: int = 0
    guardians: int = 0

    @property
    def students(self) -> int:
        """Pupils, former ones included."""
        return self.classes * self.seats + self.former


ORDINARY = School()
LARGE = School(classes=56)
GROWN = School(former=460, past=2, guardians=1_700)
"""About 10,000 rows: 1,000 pupils, 2,540 enrollments of three years, 3,000 words of names, 1,700 guardians and as many links."""


def identity(kind: int, school: int, number: int = 0) -> UUID:
    """The identity of a row; the same as in SQL."""
    return UUID(hex=f"{school:012x}7{kind:03x}8000{number:012x}")


def build(settings: Settings, school: School, numbers: Iterable[int], today: date) -> None:
    """Writes schools with these numbers into a migrated database."""
    with _connected(settings) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_IDENTITY)
        for batch in _batches(list(numbers)):
            given = {
                "schools": batch,
                "ids": [identity(TENANT, number) for number in batch],
                "today": today,
                "past": school.past,
                "classes": school.classes,
                "seats": school.seats,
                "students": school.students,
                "guardians": school.guardians,
            }
            for statement in _STATEMENTS:
                connection.execute(statement, given)


def settle(settings: Settings) -> int:
    """Lets PostgreSQL look at what was written, as it does by itself in time; returns the number of rows."""
    with _connected(settings) as connection:
        connection.execute("vacuum (freeze, analyze)")
        counts = " union all ".join(f"select count(*) as n from academic.{table}" for table in _TABLES)
        ((rows,),) = connection.execute(f"select sum(n)::bigint from ({counts})").fetchall()
        return int(rows)


def _batches(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def _connected(settings: Settings) -> psycopg.Connection[tuple[Any, ...]]:
    name = settings.database_url.rpartition("/")[2]
    return psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name, autocommit=True)
