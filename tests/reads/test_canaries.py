"""Rows that are not the actor's change nothing: no answer, no count, no filter tells that they are there.

Four databases differ by one canary each (stages.py). And beneath the engine lies row-level security: with the engine's
own predicates switched off, no row of another school and no foreign row of the tables about people comes out.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from libs.graph import compiler, reading
from libs.testing import owner_rows
from subgraphs.admission.application.model import Application
from tests.reads.families import MARK, OTHER, OWN, Row, mark, tenant_of
from tests.reads.oracles import oracles
from tests.reads.questions import Expected, normal, places
from tests.reads.seen import PEOPLE, Seen
from tests.reads.stages import APPS, LAST, ROLES, Stage, Stages, everybody, person, stages, statements
from tests.reads.ways import everywhere, schema_of, ways_of

__all__ = ["stages"]
SUBGRAPHS = tuple(APPS)
EVERYBODY = everybody(*SUBGRAPHS)


@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_canaries_change_nothing_for_whom_they_are_not(stages: Stages, subgraph: str, name: str):
    """Another school for nobody of this one; another class and another family for whom reads only the own."""
    if name == "super_admin_at_home":
        return  # reads every school's entry, and has no school whose rows could be compared
    actor = person(name)
    seen = stages[LAST].seen(actor, subgraph)
    compared = ["alone", "neighbours"]
    if not any(seen.may(resource) for resource in PEOPLE[subgraph]):
        compared.append("another class")
        if not any(seen.may(resource, "_taught") for resource in PEOPLE[subgraph]):
            compared.append("another family")
    ways = ways_of(seen)
    for way in [*ways.roots(1), *(way for _, way in ways.entities(1))]:
        if "$key" in way.document:
            continue
        answers = [stages[each].ask(subgraph, way.document, actor, way.variables) for each in compared]
        told = [(normal(answer.data), places(answer.errors)) for answer in answers]
        assert all(each == told[0] for each in told), (way.document, compared, told)


@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_filters_tell_nothing_of_rows_that_are_not_seen(stages: Stages, subgraph: str, name: str):
    stage, actor = stages[LAST], person(name)
    seen = stage.seen(actor, subgraph)
    for oracle in oracles(schema_of(subgraph), seen):
        for row in hidden_rows(seen, oracle.kind):
            variables = oracle.variables(row)
            answer = stage.ask(subgraph, oracle.document, actor, variables)
            if not seen.reads(oracle.kind) or not oracle.permitted(seen):
                assert answer.data is None
                continue
            counts = {key: page["totalCount"] for key, page in answer.ok().items()}
            assert counts == oracle.expected(seen, row), (oracle.document, variables)


def hidden_rows(seen: Seen, kind: str) -> list[Row]:
    """A row of another school, and of this one the last two that the actor may not see, and one that may be seen."""
    here, ids = seen.everything(kind), {row["id"] for row in seen.rows(kind)}
    foreign = [row for row in everywhere(seen, kind) if all(row["id"] != each["id"] for each in here)]
    hidden = [row for row in here if row["id"] not in ids]
    return [*foreign[-1:], *hidden[-2:], *seen.rows(kind)[:1]]


@pytest.fixture
def without_predicates(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine adds neither the tenant nor `visible` to any FROM."""
    reading._plans.clear()
    monkeypatch.setattr(compiler, "existing", lambda *_: [])
    yield
    reading._plans.clear()


@pytest.mark.usefixtures("without_predicates")
@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_row_level_security_holds_beneath(stages: Stages, subgraph: str, name: str):
    """Whoever reads the own rows alone still sees no others of a restricted table; nobody sees another school."""
    stage, actor = stages[LAST], person(name)
    seen = stage.seen(actor, subgraph)
    reaches = [seen.may(resource) or seen.may(resource, "_taught") for resource in PEOPLE[subgraph]]
    for way in ways_of(seen).roots(1):
        if "publicSchool" in way.document:
            continue
        answer = stage.ask(subgraph, way.document, actor, way.variables)
        for school, table, key in MARK.findall(str(answer.data)):
            assert school == OWN or name == "super_admin_at_home", (way.document, table, key)
            if not any(reaches) and table in restricted(stage, subgraph):
                assert key in visible_keys(seen, table), (way.document, table, key)


def restricted(stage: Stage, subgraph: str) -> set[str]:
    """Tables with a policy that narrows them for scope OWN, as PostgreSQL has it."""
    sql = "select tablename from pg_policies where schemaname = %s and policyname = 'own'"
    return {row["tablename"] for row in owner_rows(stage.settings, subgraph, sql, (subgraph,))}


_KINDS = {
    "students": "Student",
    "guardians": "Guardian",
    "enrollments": "Enrollment",
    "users": "User",
    "invoices": "Invoice",
    "payments": "Payment",
    "student_attendance": "Attendance",
    "report_cards": "ReportCard",
}


def visible_keys(seen: Seen, table: str) -> set[str]:
    """The keys of the rows of a restricted table that the model lets the actor see."""
    kind = _KINDS.get(table, "Notification")
    rows = seen.rows(kind)
    if kind == "ReportCard":  # that there is no PDF yet hides a card from its own family by the predicate alone
        rows = [row for row in seen.everything(kind) if row["student_id"] in seen.actor.student_ids]
    if table in {"sessions", "devices"}:
        rows = [row for row in seen.rows("User") if row["id"] == seen.actor.user_id]
    texts = {str(value) for row in rows for value in row.values()}
    return {key for text in texts for _, found, key in MARK.findall(text) if found == table}


@pytest.mark.usefixtures("without_predicates")
def test_switching_the_predicates_off_switches_something_off(stages: Stages):
    """A teacher reads in scope TENANT: without `visible` the whole school is there, which proves the tests above."""
    stage, actor = stages[LAST], person("teacher")
    answer = stage.ask("academic", "{ students { totalCount } }", actor)
    assert answer.ok()["students"]["totalCount"] == len(stage.seen(actor, "academic").everything("Student"))


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
def test_nobody_reads_nothing(stages: Stages, subgraph: str):
    """Without a token every root field says so, but for what is public."""
    stage = stages[LAST]
    ways = ways_of(stage.seen(person("school_admin"), subgraph))
    entities = [way for _, way in ways.entities(0)]
    for way in [*ways.roots(0), *entities]:
        for tenant_id in (None, tenant_of(OWN)):
            answer = stage.ask(subgraph, way.document, None, way.variables, tenant_id=tenant_id)
            if way.asked.name == "publicSchool":
                assert normal(answer.data) == normal({"publicSchool": public(way.rows())})
                assert set(answer.codes) == {"FORBIDDEN"}
            elif way.reader is not None and tenant_id is not None:
                expected = Expected(stage.seen(way.reader, subgraph), schema_of(subgraph))
                assert normal(answer.data) == normal(expected.root(way.asked, way.rows))
            elif way.reader is not None:
                assert answer.codes == ["BAD_REQUEST"]
            else:
                assert answer.codes == ["UNAUTHENTICATED"], way.document
                assert not any((answer.data or {}).values())


def public(rows: list[Row]) -> Any:
    """A school's entry as the public page has it."""
    shown = ("id", "slug", "name", "npsn", "level", "timezone", "status", "features", "version")
    found = {name: str(rows[0][name]) if name == "id" else rows[0][name] for name in shown}
    found["registrationRole"] = rows[0]["registration_role"].upper()
    refused = {"quotas": None, "usage": None}
    return {"__typename": "Tenant", **found, **refused, "createdAt": "2026-01-05T03:04:05Z"}


@pytest.mark.parametrize("name", [None, "school_admin", "parent"])
def test_where_an_application_stands_is_told_at_its_own_school_alone(stages: Stages, name: str | None):
    """Whoever asks: with number and date of birth, and with nothing of another application."""
    stage = stages[LAST]
    document = "query($n: String!, $d: Date) { applicationStatus(number: $n, birthDate: $d) { number status } }"
    for owner in (OWN, OTHER):
        actor = None if name is None else person(name, owner)
        elsewhere = next(school for school in (OWN, OTHER) if school != owner)
        for school in (owner, elsewhere):
            rows = stage.schools[tenant_of(school)].by_model[Application]
            for row, other in pairwise(rows):
                told = {"number": row["number"], "status": row["status"]} if school == owner else None
                for born, expected in ((row["birth_date"], told), (other["birth_date"], None)):
                    given = {"n": row["number"], "d": str(born)}
                    answer = stage.ask("admission", document, actor, given, tenant_id=tenant_of(owner))
                    assert answer.ok()["applicationStatus"] == expected


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
@pytest.mark.parametrize("name", [*ROLES, "both", "roleless"])
def test_nobody_acts_on_another_school(stages: Stages, subgraph: str, name: str):
    document = "{ __typename }"
    answer = stages[LAST].ask(subgraph, document, person(name), tenant_id=tenant_of(OTHER))
    assert (answer.data, answer.codes) == (None, ["TENANT_MISMATCH"])


@pytest.mark.parametrize("name", ["teacher", "student", "parent", "both", "admission_staff"])
def test_addresses_of_others_are_not_even_read_as_ciphertexts(stages: Stages, name: str):
    """A computed field that is the actor's own on one row alone takes its columns from that row alone."""
    with statements() as ran:
        answer = stages[LAST].ask("identity", "{ users(first: 20) { nodes { name email phone } } }", person(name))
    assert len([node for node in answer.data["users"]["nodes"] if node["email"]]) == 1
    raw = " ".join(each.rows for each in ran)
    assert mark(OWN, "users", "principal", "name") in raw
    assert len(re.findall(r'"0email":"', raw)) == 1
