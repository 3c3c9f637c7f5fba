"""What a file is, whatever it is called."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.files import FileType, Unreadable, opened, type_of
from tests.libs.files.workbooks import Parts, changed, workbook

BOOK = workbook([["nis"], ["1"]])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"nis,name\n1,Ani\n", FileType.CSV),
        ("\ufeffnis;name\r\n1;Caf\u00e9".encode(), FileType.CSV),
        ("nis;name\r\n1;Caf\u00e9".encode("cp1252"), FileType.CSV),
        (BOOK, FileType.XLSX),
        (b"", None),
        (b" \n", None),
        (b"nis\x00name", None),
        ("nis,name".encode("utf-16"), None),
        (b"\x81\x8d", None),  # in no alphabet that we know
        (b"%PDF-1.7\n\x00", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64, None),  # the format before XLSX, and encrypted workbooks
        (b"PK\x03\x04 nothing", None),
        (BOOK[:-30], None),
        (BOOK[: len(BOOK) // 2], None),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, kind: FileType | None):
    assert type_of(content) == kind


def _macro_type(parts: Parts) -> None:
    types = parts["[Content_Types].xml"]
    parts["[Content_Types].xml"] = types.replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )


@pytest.mark.parametrize(
    "change",
    [
        _macro_type,
        lambda parts: parts.update({"xl/vbaProject.bin": b"Sub"}),
        lambda parts: parts.pop("[Content_Types].xml"),
        lambda parts: parts.pop("xl/workbook.xml"),
        lambda parts: parts.update({"xl/media/a.xml": b" " * 2**20}),
        lambda parts: parts.update({f"xl/{number}.xml": b"" for number in range(1_001)}),
    ],
    ids=["macros by type", "macros by part", "no types", "no workbook", "packed too well", "too many parts"],
)
def test_what_is_packed_like_a_workbook_may_be_none(change):
    assert type_of(changed(BOOK, change)) is None


def test_a_workbook_that_unpacks_to_too_much_is_none():
    written = io.BytesIO(BOOK)
    with zipfile.ZipFile(written, "a") as archive:
        for number in range(3):
            archive.writestr(f"xl/{number}.xml", b"0" * 50 * 2**20)
    assert type_of(written.getvalue()) is None


@given(st.lists(st.tuples(st.integers(0, len(BOOK) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_workbook_with_any_fault_is_one_or_none(changes: list[tuple[int, int]]):
    content = bytearray(BOOK)
    for place, value in changes:
        content[place] = value
    assert type_of(bytes(content)) in (FileType.XLSX, FileType.CSV, None)


def test_a_workbook_packed_as_none_is_packed_is_none():
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(BOOK)) as book, zipfile.ZipFile(written, "w", zipfile.ZIP_LZMA) as copy:
        for name in book.namelist():
            copy.writestr(name, book.read(name))
    assert type_of(written.getvalue()) is None


async def test_a_size_that_was_told_wrong_is_not_believed():
    content = bytearray(BOOK)
    entry = content.rindex(b"xl/workbook.xml") - 46  # its line in the directory at the end of the file
    struct.pack_into("<I", content, entry + 24, 10)  # 10 bytes, unpacked
    with pytest.raises(Unreadable):
        await opened(bytes(content), FileType.XLSX)
