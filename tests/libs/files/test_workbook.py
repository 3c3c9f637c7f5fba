"""Cells of a workbook become the text that a CSV file would hold."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.cell import WriteOnlyCell

from libs.files import FileType, Line, Sheet, Unreadable, opened, read_lines
from libs.files.workbook import rows_of, text_of
from tests.libs.files.workbooks import changed, with_cells, workbook


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("0812345678", "0812345678"),
        ("0012345678", "0012345678"),
        (" =1+1", " =1+1"),
        (12345678, "12345678"),
        (12345678.0, "12345678"),
        (1234567890123456.0, "1234567890123456"),
        (-3.5, "-3.5"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (True, "TRUE"),
        (False, "FALSE"),
        (date(2010, 1, 2), "2010-01-02"),
        (datetime(2010, 1, 2), "2010-01-02"),  # noqa: DTZ001 - a cell has no zone
        (datetime(2010, 1, 2, 7, 30), "2010-01-02 07:30:00"),  # noqa: DTZ001
        (time(7, 30), "07:30"),
        (time(7, 30, 5), "07:30:05"),
        (timedelta(hours=30, minutes=5), "30:05"),
        (timedelta(seconds=61), "00:01:01"),
        ("", ""),
    ],
)
def test_a_cell_is_what_a_csv_file_would_hold(cell: object, text: str):
    assert text_of(cell) == text


async def test_cells_come_out_as_they_were_saved():
    row = ["0012345678", 12345678, 2.5, date(2010, 1, 2), True, None, "Ani"]
    sheet = await opened(workbook([["nis", "n", "f", "d", "b", "none", "name"], row]), FileType.XLSX)
    assert sheet.rows[1] == ["0012345678", "12345678", "2.5", "2010-01-02", "TRUE", "", "Ani"]


async def test_the_first_sheet_that_people_see_is_read():
    hidden = changed(
        workbook([["secret"]], sheets=("Notes", "Data")),
        lambda parts: parts.update(
            {"xl/workbook.xml": parts["xl/workbook.xml"].replace(b'state="visible"', b'state="hidden"', 1)}
        ),
    )
    assert (await opened(hidden, FileType.XLSX)).rows == [["of another sheet"]]


def test_a_formula_is_the_value_it_was_saved_with():
    cells = '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"&amp;"b"</f><v>ab</v></c><c r="C1"><f>NOW()</f></c></row>'
    assert list(rows_of(with_cells(cells))) == [["2", "ab"]]


_CELLS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=12,
)


@given(st.lists(st.tuples(_CELLS, _CELLS, _CELLS), max_size=4))
def test_both_formats_give_the_same_lines(rows: list[tuple[str, str, str]]):
    columns = ("nis", "name", "notes")
    quoted = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [columns, *rows])
    book = Sheet(list(rows_of(workbook([columns, *(map(_kept, row) for row in rows)]))))
    read = [read_lines(content, required=columns, optional=(), most_lines=4) for content in (quoted, book)]
    assert read[0] == read[1]
    assert read[0][1] == []


def _kept(cell: str) -> object:
    """openpyxl would make a formula or an error of some texts."""
    made = WriteOnlyCell(None, value="")
    made.value = cell
    made.data_type = "s"
    return made


def test_lines_of_a_sheet_are_numbered_as_people_see_them():
    sheet = Sheet([["", ""], ["NIS", "Date", ""], ["", "", ""], ["1", "", ""], ["2", "x", "beyond"]])
    lines, faults = read_lines(sheet, required=("nis", "date"), optional=(), most_lines=9)
    assert faults == []
    assert lines == [Line(4, {"nis": "1", "date": ""}), Line(5, {"nis": "2", "date": "x"})]


def test_what_no_text_may_hold_is_told_by_line_and_column():
    sheet = Sheet([["nis", "date"], ["1", "a\nb"], ["2", "a\x00b"]])
    lines, faults = read_lines(sheet, required=("nis", "date"), optional=(), most_lines=9)
    assert (lines, [(fault.path, fault.code) for fault in faults]) == (
        [],
        [("input.file.text[3].date", "FORBIDDEN_CHARACTER")],
    )


_FIRST_AND_LAST = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'


@pytest.mark.parametrize(
    "content",
    [
        with_cells(_FIRST_AND_LAST),  # two kilobytes that ask for 550 gigabytes
        with_cells("<row><c><v>1</v"),
        changed(workbook([["a"]]), lambda parts: parts.pop("xl/worksheets/sheet1.xml")),
        changed(workbook([["a"]]), lambda parts: parts.update({"xl/workbook.xml": b"<workbook/>"})),
        workbook([["a"]])[:-40],
    ],
    ids=["far apart", "broken off", "no sheet", "no list of sheets", "truncated"],
)
async def test_a_workbook_that_cannot_be_read_ends_nothing_but_its_reading(content: bytes):
    with pytest.raises(Unreadable):
        await opened(content, FileType.XLSX)
