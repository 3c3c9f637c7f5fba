from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.academic.student.imports import GuardianRow, parse_students
from subgraphs.academic.student.rules import Gender, GuardianRelation
from tests.academic.world import HEADER

LINE = "100,0012345678,Siti Aminah,P,2010-02-03,X-1,Ahmad,ayah,ahmad@example.test,0812-3456-789"


def _faults(text: str) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in parse_students(text)[1]]


def test_a_row_says_who_the_pupil_and_the_guardian_are():
    rows, faults = parse_students(f"{HEADER},email\n{LINE},siti@example.test")
    assert faults == []
    (row,) = rows
    assert (row.line, row.nis, row.nisn, row.full_name) == (2, "100", "0012345678", "Siti Aminah")
    assert (row.gender, row.birth_date, row.class_name) == (Gender.FEMALE, date(2010, 2, 3), "X-1")
    assert row.email == "siti@example.test"
    assert row.guardian == GuardianRow("Ahmad", GuardianRelation.FATHER, "ahmad@example.test", "+628123456789")


@given(
    bom=st.booleans(), delimiter=st.sampled_from(",;\t"), ending=st.sampled_from(["\n", "\r\n"]), blank=st.booleans()
)
def test_files_of_any_spreadsheet_read_the_same(bom: bool, delimiter: str, ending: str, blank: bool):
    lines = [HEADER.replace(",", delimiter), LINE.replace(",", delimiter)] + ([delimiter * 3, ""] if blank else [])
    rows, faults = parse_students(("\ufeff" if bom else "") + ending.join(lines))
    assert faults == []
    assert rows == parse_students(f"{HEADER}\n{LINE}")[0]


@pytest.mark.parametrize("written", ["2010-02-03", "3/2/2010", "03-02-2010", "03.02.2010"])
def test_dates_are_iso_or_day_first(written: str):
    rows, _ = parse_students(f"nis,full_name,gender,birth_date\n1,A,L,{written}")
    assert rows[0].birth_date == date(2010, 2, 3)


def test_every_fault_of_every_line_is_told_at_once():
    lines = (
        HEADER,
        ",123,,X,2010-13-01,X-1,,,,",
        LINE,
        '101,0012345678,"Two\nlines",P,,,,,,',
        "100,,B,P,1899-12-31,,Ibu,aunt,nobody,12",
    )
    assert _faults("\n".join(lines)) == [
        ("input.file.text[2].nis", "REQUIRED"),
        ("input.file.text[2].nisn", "FORMAT"),
        ("input.file.text[2].full_name", "REQUIRED"),
        ("input.file.text[2].gender", "FORMAT"),
        ("input.file.text[2].birth_date", "FORMAT"),
        ("input.file.text[4].full_name", "FORBIDDEN_CHARACTER"),
        ("input.file.text[6].birth_date", "FORMAT"),
        ("input.file.text[6].guardian_relation", "FORMAT"),
        ("input.file.text[6].guardian_email", "FORMAT"),
        ("input.file.text[6].guardian_phone", "FORMAT"),
    ]


def test_what_stands_twice_in_the_file_is_told_at_the_second_place():
    assert _faults("nis,nisn,full_name,gender\n1,0000000001,A,L\n1,0000000001,B,P") == [
        ("input.file.text[3].nis", "DUPLICATE"),
        ("input.file.text[3].nisn", "DUPLICATE"),
    ]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["nis", "full_name", "gender"]),
        ("nis,gender\n1,L", ["full_name"]),
        ("nis,full_name,gender,shoe\n1,A,L,42", ["shoe"]),
        ("nis,nis,full_name,gender\n1,1,A,L", ["nis"]),
    ],
)
def test_the_header_is_checked_before_the_rows(text: str, faults: list[str]):
    assert [path for path, _ in _faults(text)] == [f"input.file.text[1].{name}" for name in faults]


def test_an_unclosed_quote_is_no_table():
    assert _faults('nis,full_name,gender\n1,"A,L') == [("input.file.text", "FORMAT")]


def test_more_rows_than_a_school_has_pupils_are_refused():
    text = "nis,full_name,gender\n" + "".join(f"{n},A,L\n" for n in range(10_001))
    assert _faults(text) == [("input.file.text", "TOO_MANY_ROWS")]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str):
    rows, faults = parse_students(text)
    assert rows == [] or faults == [] or len(rows) < 300
