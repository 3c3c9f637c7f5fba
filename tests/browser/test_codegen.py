"""graphql-codegen over the schema that the graph shows: an app's documents become a client that type-checks, wrong ones do not."""

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from libs.graph import EmailAddress, PhoneNumber, Rupiah, Score
from libs.graph.scalars import SCALARS
from tests.browser.conftest import run


def generate(folder: Path) -> str:
    """What graphql-codegen complains of."""
    made = run(folder, "graphql-codegen", "--config", "codegen.json")
    return "" if made.returncode == 0 else made.stdout + made.stderr


def faults_of_types(folder: Path) -> str:
    """What does not fit together, by the compiler's word."""
    return run(folder, "tsc", "--strict", "--noEmit").stdout


def change(file: Path, changes: dict[str, str]) -> None:
    """Replaces what stands in a file once."""
    text = file.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)


def test_an_app_is_generated_and_type_checks(app: Path) -> None:
    assert faults_of_types(app) == ""
    made = (app / "generated" / "graphql.ts").read_text()
    documents = "".join(path.read_text() for path in app.glob("*.documents.graphql"))
    named = re.findall(r"^(?:query|mutation|subscription) (\w+)", documents, re.MULTILINE)
    assert len(named) >= 12
    assert [name for name in named if f"export const {name}Document = " not in made] == []
    assert ": any" not in made


def test_scalars_have_the_types_of_what_is_sent(app: Path) -> None:
    examples: dict[Any, Any] = {
        date: date(2026, 11, 23),
        datetime: datetime(2026, 11, 23, tzinfo=UTC),
        time: time(7, 15),
        EmailAddress: "ibu@x.test",
        PhoneNumber: "+6281234567890",
        Rupiah: 150_000,
        Score: Decimal("87.5"),
    }
    sent = {
        SCALARS[each].name: json.loads(json.dumps(SCALARS[each].serialize(value))) for each, value in examples.items()
    }
    (made,) = json.loads((app / "codegen.json").read_text())["generates"].values()
    assert made["config"]["scalars"] == {
        name: "string" if isinstance(value, str) else "number" for name, value in sent.items()
    }


def test_a_wrong_document_is_told(sources: Path) -> None:
    wrong = {
        "finalScore": "lastScore",
        "$id: ID!, $semester: ID": "$id: Int!, $semester: ID",
        "... on ClassFull": "... on Holiday",
    }
    change(sources / "more.documents.graphql", wrong)
    told = generate(sources)
    for complaint in (
        'Cannot query field "lastScore" on type "SubjectGrade"',
        'Variable "$id" of type "Int!"',
        'objects of type "EnrollStudentResult" can never be of type "Holiday"',
    ):
        assert complaint in told


def test_a_scalar_without_a_type_is_told(sources: Path) -> None:
    change(sources / "codegen.json", {'"Rupiah": "number",': ""})
    assert "Unknown scalar type Rupiah" in generate(sources)


def test_what_is_taken_for_something_else_does_not_type_check(sources: Path) -> None:
    """Each scalar of another type is told where it is used, and so are a member left out and a field not asked for."""
    number, text = '"number"', '"string"'
    wrong = {f'"{name}": {number}': f'"{name}": {text}' for name in ("Rupiah", "Score")}
    wrong |= {f'"{name}": {text}': f'"{name}": "Date"' for name in ("Date", "EmailAddress", "LocalTime", "PhoneNumber")}
    change(sources / "codegen.json", wrong | {f'"DateTime": {text}': f'"DateTime": {number}'})
    change(sources / "more.ts", {"    case 'Holiday':\n": ""})
    change(sources / "page.ts", {"answer.user.name": "answer.user.fullName"})
    assert generate(sources) == ""
    told = faults_of_types(sources)
    uses = (sources / "more.ts").read_text().splitlines()
    lines = {uses[int(number) - 1].strip() for number in re.findall(r"^more\.ts\((\d+),", told, re.MULTILINE)}
    for use in (
        "sum + amount",
        "sum + score",
        "email?.toLowerCase()",
        "phone?.slice",
        "startTime.slice",
        "sentAt?.slice",
        "date: '2026-11-23'",
        "amount: 150_000",
        "satisfies never",
    ):
        assert [line for line in lines if use in line], (use, told)
    assert "Property 'fullName' does not exist" in told
