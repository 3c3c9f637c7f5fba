"""One school of thousands beside fifty small ones, written by SQL: what plans are judged on.

Foreign keys are not looked up (`session_replication_role`), these rows hold them by their making; all other constraints
and every index stay in force.
"""

import hashlib
from uuid import UUID

import psycopg

from libs.settings import Settings
from tests.reads.large_organs import ORGANS

LARGE = 0
_SMALL_SCHOOLS, _SMALL = 50, 72
_SEATS = 36
_SUBJECTS = 10

_ID = """
create function pg_temp.ident(kind text, school int, number bigint) returns uuid language sql immutable
  return md5(kind || '/' || school || '/' || number)::uuid
"""
_SCHOOLS = """
create temp table schools as select s, pg_temp.ident('tenant', s, 0) as t, case when s = 0 then %(students)s else %(small)s end as n
from generate_series(0, %(schools)s) s
"""
_T = "from schools, "
_STATEMENTS = (
    *(
        f"""insert into {subgraph}.tenants (tenant_id, id, sequence, slug, name, level, timezone, status, features, quotas)
        select t, t, 1, 'school-' || s, 'School ' || s, 'SMA', 'Asia/Jakarta', 'ACTIVE', '{{}}', '{{}}' from schools"""
        for subgraph in ("academic", "notification", "finance", "operations", "admission")
    ),
    """insert into identity.tenants (id, slug, name, level, timezone, features)
    select t, 'school-' || s, 'School ' || s, 'SMA', 'Asia/Jakarta', '{}' from schools""",
    """insert into academic.schools (tenant_id, id, name, level, timezone, sequence)
    select t, t, 'School ' || s, 'SMA', 'Asia/Jakarta', 1 from schools""",
    f"""insert into academic.academic_years (tenant_id, id, name, start_date, end_date, is_active)
    select t, pg_temp.ident('year', s, y), 'Year ' || y, current_date - 100 - 365 * y, current_date + 264 - 365 * y, y = 0
    {_T} generate_series(0, 2) y""",
    f"""insert into academic.semesters (tenant_id, id, academic_year_id, name, number, start_date, end_date, is_active)
    select t, pg_temp.ident('semester', s, y * 2 + h), pg_temp.ident('year', s, y), 'S' || h, h + 1,
      current_date - 100 - 365 * y + 180 * h, current_date + 79 - 365 * y + 185 * h, y = 0 and h = 0
    {_T} generate_series(0, 2) y, generate_series(0, 1) h""",
    f"""insert into academic.teachers (tenant_id, id, user_id, full_name)
    select t, pg_temp.ident('teacher', s, k), pg_temp.ident('teacher user', s, k), 'Guru ' || md5(k::text)
    {_T} generate_series(0, (n / {_SEATS} / 5 + 1) * {_SUBJECTS} - 1) k""",
    f"""insert into academic.subjects (tenant_id, id, code, name, category, kkm)
    select t, pg_temp.ident('subject', s, k), 'S' || k, 'Subject ' || k, 'WAJIB', 75
    {_T} generate_series(0, {_SUBJECTS} - 1) k""",
    f"""insert into academic.classes
      (tenant_id, id, academic_year_id, name, level, major, homeroom_teacher_id, max_students, enrolled_count)
    select t, pg_temp.ident('class', s, y * 1000000 + c), pg_temp.ident('year', s, y), 'X ' || c, 10 + c % 3, 'IPA',
      pg_temp.ident('teacher', s, c / 5 * {_SUBJECTS} + c % 5), {_SEATS}, {_SEATS}
    {_T} generate_series(0, 2) y, generate_series(0, n / {_SEATS} - 1) c""",
    f"""insert into academic.class_subjects (tenant_id, id, class_id, subject_id, academic_year_id, semester_id)
    select t, pg_temp.ident('lesson', s, c * 100 + k), pg_temp.ident('class', s, c), pg_temp.ident('subject', s, k),
      pg_temp.ident('year', s, 0), pg_temp.ident('semester', s, 0)
    {_T} generate_series(0, n / {_SEATS} - 1) c, generate_series(0, {_SUBJECTS} - 1) k""",
    f"""insert into academic.teaching (tenant_id, id, class_subject_id, teacher_id, valid_from, valid_to)
    select t, pg_temp.ident('teaching', s, c * 100 + k), pg_temp.ident('lesson', s, c * 100 + k),
      pg_temp.ident('teacher', s, c / 5 * {_SUBJECTS} + k), current_date - 100, current_date + 264
    {_T} generate_series(0, n / {_SEATS} - 1) c, generate_series(0, {_SUBJECTS} - 1) k""",
    f"""insert into academic.schedules (tenant_id, id, class_subject_id, class_id, semester_id, academic_year_id,
      teacher_id, day_of_week, start_time, end_time)
    select t, pg_temp.ident('slot', s, c * 100 + k), pg_temp.ident('lesson', s, c * 100 + k), pg_temp.ident('class', s, c),
      pg_temp.ident('semester', s, 0), pg_temp.ident('year', s, 0), pg_temp.ident('teacher', s, c / 5 * {_SUBJECTS} + k),
      1 + (k + c) % 5, make_time(7 + k / 5 * 2, 0, 0), make_time(8 + k / 5 * 2, 0, 0)
    {_T} generate_series(0, n / {_SEATS} - 1) c, generate_series(0, {_SUBJECTS} - 1) k""",
    f"""insert into academic.students (tenant_id, id, nis, nisn, full_name, gender, birth_date, status, user_id)
    select t, pg_temp.ident('student', s, k), lpad(k::text, 6, '0'), lpad((s * 1000000 + k)::text, 10, '0'),
      'Siswa' || k % 200 || ' ' || md5(k::text), case k % 2 when 0 then 'MALE' else 'FEMALE' end,
      date '2009-01-01' + (k % 1000)::int, case when k % 20 = 0 then 'WITHDRAWN' else 'ACTIVE' end,
      pg_temp.ident('student user', s, k)
    {_T} generate_series(0, n - 1) k""",
    """insert into academic.student_names (tenant_id, id, student_id, token)
    select tenant_id, gen_random_uuid(), id, lower(word)
    from academic.students, lateral unnest(string_to_array(full_name, ' ')) word""",
    f"""insert into academic.enrollments (tenant_id, id, class_id, student_id, academic_year_id, valid_from, valid_to)
    select t, pg_temp.ident('sitting', s, y * 1000000 + k), pg_temp.ident('class', s, y * 1000000 + k % (n / {_SEATS})),
      pg_temp.ident('student', s, k), pg_temp.ident('year', s, y), current_date - 100 - 365 * y, current_date + 265 - 365 * y
    {_T} generate_series(0, 1) y, generate_series(0, n - 1) k""",
    f"""insert into academic.guardians (tenant_id, id, user_id, name)
    select t, pg_temp.ident('guardian', s, k), pg_temp.ident('guardian user', s, k), 'Wali ' || k
    {_T} generate_series(0, n - 1) k""",
    f"""insert into academic.student_guardians (tenant_id, id, student_id, guardian_id, relation)
    select t, gen_random_uuid(), pg_temp.ident('student', s, k), pg_temp.ident('guardian', s, k), 'MOTHER'
    {_T} generate_series(0, n - 1) k""",
    *(
        f"""insert into identity.users (tenant_id, id, email, email_blind, name, language, status, staff, password_hash, created_at)
        select t, pg_temp.ident('{kind} user', s, k), 'x', decode(md5('{kind}' || k), 'hex'), '{kind} ' || md5(k::text), 'id', 'ACTIVE',
          {staff}, '-', now() - k * interval '1 minute'
        {_T} generate_series(0, {count} - 1) k"""
        for kind, staff, count in (
            ("guardian", "false", "n"),
            ("student", "false", "n"),
            ("teacher", "true", "n / 36 * 2"),
            ("former", "false", "n / 4"),
        )
    ),
    "update identity.users set deleted_at = created_at where name like 'former %'",
    """insert into identity.user_names (tenant_id, id, user_id, token)
    select tenant_id, gen_random_uuid(), id, word from identity.users, lateral unnest(string_to_array(name, ' ')) word""",
    """insert into identity.user_roles (tenant_id, id, user_id, system_role, valid_from)
    select tenant_id, gen_random_uuid(), id, case when staff then 'teacher' else 'parent' end, current_date - 9
    from identity.users""",
    f"""insert into notification.notifications (tenant_id, id, contact_id, user_id, event_id, channel, event_type, language,
      subject, body, status, sent_at, created_at)
    select t, pg_temp.ident('message', s, k), pg_temp.ident('guardian user', s, k), pg_temp.ident('guardian user', s, k),
      pg_temp.ident('event', s, k), 'EMAIL', 'user.created', 'id', 'Akun', 'Selamat', 'SENT', now(), now() - k * interval '1 minute'
    {_T} generate_series(0, n - 1) k""",
    f"""insert into notification.notification_students (tenant_id, id, notification_id, student_id)
    select t, gen_random_uuid(), pg_temp.ident('message', s, k), pg_temp.ident('student', s, k)
    {_T} generate_series(0, n - 1) k""",
    """insert into finance.students (tenant_id, id, sequence, status)
    select tenant_id, id, 1, status from academic.students""",
    """insert into finance.classes (tenant_id, id, sequence, level) select tenant_id, id, 1, level from academic.classes""",
    """insert into finance.enrollments (tenant_id, id, sequence, student_id, class_id, valid_from, valid_to)
    select tenant_id, id, 1, student_id, class_id, valid_from, valid_to from academic.enrollments""",
    f"""insert into finance.billing_configurations (tenant_id, id, name, amount, type, frequency, due_day, valid_from)
    select t, pg_temp.ident('billing', s, k), 'SPP ' || k, 250000, 'SPP', 'MONTHLY', 10, current_date - 300
    {_T} generate_series(0, 11) k""",
    f"""insert into finance.invoices (tenant_id, id, number, payer, payer_id, student_id, billing_config_id, type, period,
      amount, paid, due_date, status)
    select t, pg_temp.ident('invoice', s, m * 1000000 + k), 'INV/' || m || '/' || k, 'STUDENT',
      pg_temp.ident('student', s, k), pg_temp.ident('student', s, k), pg_temp.ident('billing', s, 0), 'SPP',
      '2026-' || lpad((m + 1)::text, 2, '0'), 250000, case when m > 0 then 250000 else 0 end, current_date - 30 * m,
      case when m > 0 then 'PAID' else 'UNPAID' end
    {_T} generate_series(0, 2) m, generate_series(0, n - 1) k""",
    """insert into finance.payments (tenant_id, id, number, payer, payer_id, student_id, amount, method, paid_on)
    select tenant_id, md5('payment/' || id)::uuid, 'PAY' || number, payer, payer_id, student_id, paid, 'CASH', due_date
    from finance.invoices where paid > 0""",
    """insert into finance.payment_allocations (tenant_id, id, payment_id, invoice_id, student_id, amount)
    select tenant_id, gen_random_uuid(), md5('payment/' || id)::uuid, id, student_id, paid
    from finance.invoices where paid > 0""",
    *ORGANS,
)


def build(settings: Settings, students: int) -> None:
    """Writes the schools and gathers statistics."""
    name, given = settings.database_url.rpartition("/")[2], settings.database_admin_url.get_secret_value()
    with psycopg.connect(given, dbname=name, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_ID)
        sizes = {"students": students, "small": _SMALL, "schools": _SMALL_SCHOOLS}
        connection.execute(_SCHOOLS, sizes)
        connection.execute("analyze schools")
        for statement in _STATEMENTS:
            connection.execute(statement)
        connection.execute("vacuum analyze")


def row_id(kind: str, number: int) -> UUID:
    """The identity of a row of the large school."""
    return UUID(hashlib.md5(f"{kind}/{LARGE}/{number}".encode()).hexdigest())
