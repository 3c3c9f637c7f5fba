"""The attendance, grades, report cards and applications of the schools of large.py."""

_DAYS = 10
_MADE_OF = {
    "semesters": "academic_year_id, name, number, start_date, end_date, is_active",
    "subjects": "code, name, kkm",
    "class_subjects": "class_id, subject_id, semester_id",
    "schedules": "class_subject_id, class_id, day_of_week, start_time, end_time, is_active",
    "enrollments": "student_id, class_id, valid_from, valid_to",
}
"""Tables of academic that operations knows, and which columns of them."""

ORGANS = (
    *(
        f"""insert into operations.{table} (tenant_id, id, sequence, {columns})
        select tenant_id, id, 1, {columns} from academic.{table}"""
        for table, columns in _MADE_OF.items()
    ),
    """insert into operations.classes (tenant_id, id, sequence, academic_year_id, name, level, homeroom_teacher_id, homeroom_user_id)
    select c.tenant_id, c.id, 1, c.academic_year_id, c.name, c.level, t.id, t.user_id
    from academic.classes c join academic.teachers t on (t.tenant_id, t.id) = (c.tenant_id, c.homeroom_teacher_id)""",
    """insert into operations.teaching (tenant_id, id, sequence, class_subject_id, teacher_id, user_id, valid_from, valid_to)
    select g.tenant_id, g.id, 1, g.class_subject_id, t.id, t.user_id, g.valid_from, g.valid_to
    from academic.teaching g join academic.teachers t on (t.tenant_id, t.id) = (g.tenant_id, g.teacher_id)""",
    f"""insert into operations.student_attendance
      (tenant_id, id, student_id, class_id, date, status, recorded_by, source, observed_at)
    select tenant_id, gen_random_uuid(), student_id, class_id, current_date - day,
      case when hashtext(student_id::text) % 20 = day then 'ABSENT' else 'PRESENT' end, id, 'TEACHER', now()
    from operations.enrollments, generate_series(0, {_DAYS} - 1) day
    where valid_from <= current_date and valid_to > current_date""",
    """insert into operations.grade_categories (tenant_id, id, class_subject_id, name, weight, assessment_count)
    select tenant_id, md5('category/' || id)::uuid, id, 'UTS', 100, 1 from operations.class_subjects""",
    """insert into operations.assessments
      (tenant_id, id, class_subject_id, category_id, title, assessment_date, created_by)
    select tenant_id, md5('assessment/' || class_subject_id)::uuid, class_subject_id, id, 'UTS',
      current_date - (hashtext(id::text) & 63), id
    from operations.grade_categories""",
    """insert into operations.grades
      (tenant_id, id, assessment_id, category_id, max_score, student_id, score_hundredths, graded_by, graded_at)
    select a.tenant_id, gen_random_uuid(), a.id, a.category_id, 100, e.student_id, 8000, a.created_by, now()
    from operations.assessments a join operations.class_subjects s on (s.tenant_id, s.id) = (a.tenant_id, a.class_subject_id)
      join operations.enrollments e on (e.tenant_id, e.class_id) = (s.tenant_id, s.class_id)""",
    """insert into operations.report_cards (tenant_id, id, student_id, class_id, semester_id, academic_year_id, revision,
      status, code, heading, generated_by, generated_at, file)
    select e.tenant_id, md5('card/' || e.id)::uuid, e.student_id, e.class_id, s.id, s.academic_year_id, 1,
      'PUBLISHED', e.id, '-', e.id, now(), 'card'
    from operations.enrollments e join academic.enrollments a on (a.tenant_id, a.id) = (e.tenant_id, e.id)
      join operations.semesters s on (s.tenant_id, s.academic_year_id, s.number) = (a.tenant_id, a.academic_year_id, 1)""",
    """insert into admission.periods
      (tenant_id, id, academic_year_id, name, code, number_prefix, start_date, end_date, status, applicants)
    select t, pg_temp.ident('period', s, p), pg_temp.ident('year', s, p % 3), 'Gelombang ' || p, 'P' || p, s || '-P' || p,
      current_date - 10 * p, current_date + 20 - 10 * p, case when p < 2 then 'OPEN' else 'CLOSED' end, n / 8
    from schools, generate_series(0, 5) p""",
    """insert into admission.applications (tenant_id, id, period_id, number, secret_hash, request_blind, fingerprint, full_name,
      gender, birth_place, birth_date, nisn, contact_id, parent_name, parent_phone, parent_phone_blind, language, status,
      payment_status, created_at)
    select t, pg_temp.ident('application', s, k), pg_temp.ident('period', s, k % 6), lpad(k::text, 6, '0'), '-',
      decode(md5('request' || k), 'hex'), decode(md5('print' || k), 'hex'), 'Calon' || k % 200 || ' ' || md5(k::text),
      'FEMALE', 'Wonosobo', date '2012-01-01' + (k % 1000)::int, lpad(k::text, 10, '0'), gen_random_uuid(), 'Wali', '-', '-',
      'id', case when k % 10 = 0 then 'SUBMITTED' else 'VERIFIED' end, 'PAID', now() - k * interval '1 minute'
    from schools, generate_series(0, n / 2 - 1) k""",
    """insert into finance.invoices (tenant_id, id, number, payer, payer_id, type, amount, due_date, status)
    select tenant_id, md5('fee/' || id)::uuid, 'FEE/' || number, 'APPLICANT', id, 'REGISTRATION', 150000,
      current_date - 200, 'UNPAID'
    from admission.applications where status = 'SUBMITTED'""",
    """insert into admission.application_names (tenant_id, id, application_id, token)
    select tenant_id, gen_random_uuid(), id, lower(word)
    from admission.applications, lateral unnest(string_to_array(full_name, ' ')) word""",
)
"""In the order of their foreign keys; what academic holds must be there, and the temporary table `schools`."""
