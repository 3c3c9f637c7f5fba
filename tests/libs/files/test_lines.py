"""Files as spreadsheets really write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.files import Line, read_lines
from libs.kernel import FieldFault


def read(text: str, most_lines: int = 3) -> tuple[list[Line], list[FieldFault]]:
    return read_lines(text, required=("nis", "date"), optional=("notes",), most_lines=most_lines)


@given(
    bom=st.booleans(), delimiter=st.sampled_from(",;\t"), ending=st.sampled_from(["\n", "\r\n"]), blank=st.booleans()
)
def test_every_spelling_reads_the_same(*, bom: bool, delimiter: str, ending: str, blank: bool):
    written = ["Date,NIS", " 2026-09-01 ,Cafe\u0301", "2026-09-02"]
    text = ending.join(line.replace(",", delimiter) for line in [*written, *([delimiter, ""] if blank else [])])
    assert read(("\ufeff" if bom else "") + text) == (
        [Line(2, {"date": "2026-09-01", "nis": "Caf\u00e9"}), Line(3, {"date": "2026-09-02"})],
        [],
    )


def test_a_line_is_numbered_where_people_see_it_begin():
    lines, faults = read('\r\nnis,date,notes\r\n1,x,"two\r\nlines"\r\n\r\n,,\r\n2,y,\r\n')
    assert faults == []
    assert [(line.number, line.values["nis"], line.values["notes"]) for line in lines] == [
        (3, "1", "two\r\nlines"),
        (7, "2", ""),
    ]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [("[1].nis", "MISSING_COLUMN"), ("[1].date", "MISSING_COLUMN")]),
        ("nis\n1", [("[1].date", "MISSING_COLUMN")]),
        ("nis,date,,age,nis", [("[1].3", "UNKNOWN_COLUMN"), ("[1].age", "UNKNOWN_COLUMN"), ("[1].nis", "DUPLICATE")]),
        ("nis,date\n1,1\n2,2\n3,3\n4,4", [("", "TOO_MANY_ROWS")]),
        ('nis,date\n1,"open', [("", "FORMAT")]),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_place(text: str, faults: list[tuple[str, str]]):
    lines, found = read(text)
    assert lines == []
    assert [(fault.path.removeprefix("input.file.text"), fault.code) for fault in found] == faults


def test_the_limit_is_told_in_figures_of_the_language():
    (fault,) = read("nis,date" + "\n1,1" * 10_001, most_lines=10_000)[1]
    assert (fault.message("id"), fault.message("en")) == ("Paling banyak 10.000 baris.", "10,000 rows at most.")
