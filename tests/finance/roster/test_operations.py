import random
from datetime import date

from libs.kernel import Binding, Scope, new_id
from tests.finance.world import AUGUST, World, class_created, enrolled, student_created, student_updated

STUDENT, CLASS, ENROLLMENT = new_id(), new_id(), new_id()
HISTORY = (
    student_created(STUDENT),
    class_created(CLASS, level=10),
    enrolled(STUDENT, CLASS, days=(date(2026, 7, 13), None), enrollment_id=ENROLLMENT),
    class_created(CLASS, level=11),
    student_updated(STUDENT, "WITHDRAWN"),
    student_updated(STUDENT, "ACTIVE"),
    enrolled(STUDENT, CLASS, days=(date(2026, 7, 13), date(2026, 9, 1)), enrollment_id=ENROLLMENT),
)


def known(world: World) -> dict[str, list]:
    hidden = ("created_at", "updated_at", "tenant_id")
    tables = {table: world.rows(table, "id") for table in ("students", "classes", "enrollments")}
    return {name: [{k: v for k, v in row.items() if k not in hidden} for row in rows] for name, rows in tables.items()}


async def test_the_last_event_holds_whatever_the_order_and_however_often(world: World, other_world: World):
    told = [world.envelope(event, sequence=at) for at, event in enumerate(HISTORY, 1)]
    await world.receive(*told)
    expected = known(world)
    assert expected["students"] == [{"id": STUDENT, "sequence": 6, "status": "ACTIVE"}]
    assert expected["classes"] == [{"id": CLASS, "sequence": 4, "level": 11}]
    assert expected["enrollments"][0]["valid_to"] == date(2026, 9, 1)
    chance = random.Random(7)
    for _ in range(6):
        world.as_owner("finance", "truncate finance.students, finance.classes, finance.enrollments, finance.inbox")
        again = [world.envelope(event, sequence=at) for at, event in enumerate(HISTORY, 1)]
        shuffled = [*again, *told, *again]  # the same events under their own ids, and told once more under others
        chance.shuffle(shuffled)
        for envelope in shuffled:
            await world.receive(envelope)
        assert known(world) == expected
    assert known(other_world) == {"students": [], "classes": [], "enrollments": []}


async def test_a_family_sees_the_roster_of_its_own(world: World):
    mine, other = await world.pupils(2, class_id=await world.class_())
    async with world.database.read(Binding(world.tenant_id, Scope.OWN, student_ids=(mine,))) as tx:
        for table, column in (("students", "id"), ("enrollments", "student_id")):
            rows = await (await tx.session.connection()).exec_driver_sql(f"select {column} from finance.{table}")
            assert [row[0] for row in rows] == [mine]
    assert {row["id"] for row in world.rows("students")} == {mine, other}


async def test_a_pupil_is_billed_once_pupil_and_class_are_known(world: World):
    await world.config(class_level=10)
    student, class_ = new_id(), new_id()
    await world.receive(enrolled(student, class_))
    assert (await world.generate(AUGUST)).created == 0
    await world.receive(student_created(student))
    assert (await world.generate(AUGUST)).created == 0
    await world.receive(class_created(class_))
    assert (await world.generate(AUGUST)).created == 1
