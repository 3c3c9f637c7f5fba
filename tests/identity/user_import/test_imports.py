"""What a file of accounts must be, without a database."""

import pytest

from libs.files import Sheet
from subgraphs.identity.user_import.imports import MOST_ROWS, parse_users

HEADER = "name,email,phone,roles,language"


def test_the_same_rows_in_every_form_schools_have_them():
    plain = f"{HEADER}\nSiti Rahma,siti@x.test,0812-3456-7890,teacher|parent,EN\nBudi,budi@x.test\n"
    (siti, budi), faults = parse_users(plain, "student")
    assert faults == []
    assert (siti.line, siti.phone, siti.roles, siti.language) == (2, "+6281234567890", ("teacher", "parent"), "en")
    assert (budi.line, budi.phone, budi.roles, budi.language) == (3, None, ("student",), "id")
    for text in ("\ufeff" + plain, plain.replace(",", ";"), plain.replace("\n", "\r\n")):
        assert parse_users(text, "student") == ([siti, budi], [])
    sheet = Sheet([row.split(",") for row in plain.splitlines()])
    assert parse_users(sheet, "student") == ([siti, budi], [])


def test_every_fault_of_every_row_with_its_value_masked_where_protected():
    text = f"{HEADER}\n,no-address,12,,fr\nBudi,budi@x.test,,teacher,\n" + f"{'x' * 201},,,teacher,\n"
    rows, faults = parse_users(text, None)
    assert [row.name for row in rows] == ["Budi"]
    assert [(fault.path, fault.code) for fault in faults] == [
        ("input.file.text[2].name", "REQUIRED"),
        ("input.file.text[2].roles", "REQUIRED"),
        ("input.file.text[2].email", "INVALID_EMAIL"),
        ("input.file.text[2].phone", "INVALID_PHONE"),
        ("input.file.text[2].language", "UNKNOWN_LANGUAGE"),
        ("input.file.text[4].email", "REQUIRED"),
        ("input.file.text[4].name", "TOO_LONG"),
    ]
    told = {fault.path.rpartition(".")[2]: fault.message("en") for fault in faults[:5]}
    assert told["email"] == "Not an e-mail address. [n***]"
    assert told["phone"] == "Not a telephone number. [1***]"
    assert told["language"] == "The language must be id or en. [fr]"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("name\nBudi\n", {"MISSING_COLUMN"}),
        ("name,email,salary\n", {"UNKNOWN_COLUMN"}),
        ("name,email,name\n", {"DUPLICATE"}),
        ('name,email\n"Budi,b@x.test\n', {"FORMAT"}),
        (f"name,email\n{'a,a@x.test' + chr(10)}" * 1 + "a,a@x.test\n" * MOST_ROWS, {"TOO_MANY_ROWS"}),
        ("", {"MISSING_COLUMN"}),
    ],
)
def test_a_file_that_is_none(text, codes):
    rows, faults = parse_users(text, "teacher")
    assert rows == []
    assert {fault.code for fault in faults} == codes
