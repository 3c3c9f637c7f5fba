"""What a school must be, and registers as spreadsheets write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.identity.tenant.imports import read_register
from subgraphs.identity.tenant.rules import check_tenant, is_region, zone_of

HEADER = "npsn,name,level,ownership,district_code\n"
ROW = "20306577,SD NEGERI 3 KWADUNGAN,SD,NEGERI,3307070\n"


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("3307070", "Asia/Jakarta"),
        ("110101", "Asia/Jakarta"),
        ("6101010", "Asia/Jakarta"),
        ("6201010", "Asia/Jakarta"),
        ("5103010", "Asia/Makassar"),
        ("6371010", "Asia/Makassar"),
        ("7371010", "Asia/Makassar"),
        ("8171010", "Asia/Jayapura"),
        ("9471010", "Asia/Jayapura"),
    ],
)
def test_the_zone_of_a_region(region, zone):
    assert zone_of(region) == zone
    assert is_region(region)


@pytest.mark.parametrize("region", ["", "33", "33070700", "9907010", "33o7070", "2001010", "٣٣٠٧٠٧٠"])
def test_what_is_no_region(region):
    assert not is_region(region)


def faults_of(**changes):
    given_values = {"slug": "gp", "name": "SMA GP", "npsn": None, "timezone": "Asia/Jakarta"} | changes
    return [(fault.path, fault.code) for fault in check_tenant(**given_values)]


def test_a_good_school_has_no_fault():
    assert faults_of() == []
    assert faults_of(npsn="2030657A", slug="a" * 63) == []


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"slug": "platform"}, [("input.slug", "SLUG")]),
        ({"slug": "GP"}, [("input.slug", "SLUG")]),
        ({"slug": "-gp"}, [("input.slug", "SLUG")]),
        ({"slug": "g" * 64}, [("input.slug", "SLUG")]),
        ({"name": "  "}, [("input.name", "REQUIRED")]),
        ({"name": "x" * 201}, [("input.name", "TOO_LONG")]),
        ({"npsn": "1234567"}, [("input.npsn", "NPSN")]),
        ({"timezone": "Europe/Berlin"}, [("input.timezone", "TIMEZONE")]),
        ({"slug": "", "timezone": ""}, [("input.slug", "SLUG"), ("input.timezone", "TIMEZONE")]),
    ],
)
def test_the_faults_of_a_school(changes, faults):
    assert faults_of(**changes) == faults


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROW,
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        (HEADER + ROW).replace(",", ";"),
        (HEADER + ROW).replace(",", "\t"),
        HEADER.upper() + "\n\n" + ROW.rstrip() + "\n  \n",
        'name,npsn,district_code,level,ownership\n"SD NEGERI 3 KWADUNGAN",20306577,3307070,SD,NEGERI\n',
        "npsn,name,level,ownership,district_code,remark\n" + ROW.rstrip() + ",more\n",
    ],
)
def test_registers_as_they_come(text):
    (row,) = read_register(text)
    assert (row.npsn, row.slug, row.name) == ("20306577", "20306577", "SD NEGERI 3 KWADUNGAN")
    assert (row.level, row.ownership, row.region, row.timezone) == ("SD", "NEGERI", "3307070", "Asia/Jakarta")


def faults_in(text):
    with pytest.raises(InvalidInput) as invalid:
        read_register(text)
    return [(fault.path.removeprefix("input.file.text"), fault.code) for fault in invalid.value.faults]


def test_every_fault_of_every_line_is_told():
    text = HEADER + ROW + "2030657,,TK,NEGRI,9907010\n" + ROW + "x\n" + "20306599,SMP 1,SMP,SWASTA,3307070\n,,,,\n"
    assert faults_in(text) == [
        ("[3].npsn", "NPSN"),
        ("[3].name", "REQUIRED"),
        ("[3].level", "LEVEL"),
        ("[3].ownership", "OWNERSHIP"),
        ("[3].district_code", "REGION"),
        ("[4].npsn", "DUPLICATE"),
        ("[5]", "COLUMN_COUNT"),
    ]


@pytest.mark.parametrize("text", ["", "npsn\n1", "npsn,name,level,ownership\n", HEADER.replace("name", "npsn") + ROW])
def test_missing_columns_are_named(text):
    assert all(path.startswith("[1].") and code == "COLUMNS" for path, code in faults_in(text))


def test_a_register_has_an_end():
    rows = "".join(f"{number:08},S,SD,NEGERI,3307070\n" for number in range(10_001))
    assert faults_in(HEADER + rows) == [("", "TOO_MANY_ROWS")]


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text):
    faults: list[object] = []
    try:
        rows = read_register(HEADER + text)
    except InvalidInput as invalid:
        rows, faults = [], list(invalid.faults)
    assert bool(faults) or all(len(row.npsn) == 8 for row in rows)
