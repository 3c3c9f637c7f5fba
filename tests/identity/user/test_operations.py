"""Invitations: made, accepted, and made by events of academic."""

import asyncio

import pytest
from sqlalchemy import event

from libs.auth import system_binding
from libs.events import EventMeta
from libs.events.contracts.academic import (
    GuardianContact,
    GuardianLinked,
    StudentCreated,
    StudentUpdated,
    TeacherCreated,
    TeacherUpdated,
)
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, InvalidInput, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.consumers import consumers
from subgraphs.identity.user.operations.ensure_platform_administrator import ensure_platform_administrator
from subgraphs.identity.user.rules import EmailTaken


async def test_an_invitation_makes_an_account_and_a_sealed_token(
    *, invite, school, as_owner, events, invitations, audited
):
    user_id = await invite(school)
    (row,) = as_owner("identity", "select * from identity.users")
    assert (row["tenant_id"], row["id"], row["status"], row["staff"]) == (school, user_id, "INVITED", True)
    assert b"ibu@keluarga" not in bytes(row["email"]).lower()
    (invited,) = invitations()
    assert invited.personal == {"name": "Dewi Lestari", "email": "Ibu@Keluarga.test", "phone": "+628111222333"}
    assert invited.roles == ("teacher",)
    assert invited.secret["token"] not in str(events("UserInvited"))
    assert "keluarga" not in str(events("UserCreated") + events("UserInvited")).lower()
    assert as_owner("identity", "select token from identity.user_names order by 1") == [
        {"token": "dewi"},
        {"token": "lestari"},
    ]
    assert audited(school) == ["user.created"]


async def test_an_address_is_taken_in_its_school_whatever_its_case(invite, school, other_school, as_owner):
    await invite(school)
    with pytest.raises(EmailTaken):
        await invite(school, " IBU@keluarga.TEST ")
    await invite(other_school)
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 2}]


async def test_of_invitations_at_once_one_wins(invite, school, as_owner, events):
    answers = await asyncio.gather(*(invite(school) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, EmailTaken) for answer in answers) == 5
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 1}]
    assert len(events("UserInvited")) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"roles": []}, InvalidInput),
        ({"language": "fr"}, InvalidInput),
        ({"roles": ["teacher", "wizard"]}, NotFound),
        ({"roles": ["super_admin"]}, NotFound),
    ],
)
async def test_what_cannot_be_invited(invite, school, as_owner, change, error):
    with pytest.raises(error):
        await invite(school, **change)
    assert as_owner("identity", "select * from identity.users") == []


async def test_nobody_invites_into_a_role_beyond_their_own(invite, school):
    with pytest.raises(Forbidden):
        await invite(school, roles=["school_admin"], actor=actor_of("principal", school))


async def test_the_first_platform_administrator_is_made_once(database, contacts, hasher, as_owner):
    for password, made in (("Melati-putih-7", True), ("Another-one-8", False)):
        async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
            assert made is await ensure_platform_administrator(
                tx, email="platform@x.test", password=password, contacts=contacts, hasher=hasher
            )
    (row,) = as_owner("identity", "select * from identity.users")
    assert (row["tenant_id"], row["status"]) == (PLATFORM_TENANT_ID, "ACTIVE")
    assert await hasher.verify("Melati-putih-7", row["password_hash"])


# ---- events of academic


def pupil(*, email=None, guardians=(), student_id=None, user_id=None, contract=StudentCreated):
    personal = {"name": "Andi Wijaya"} | ({"email": email} if email else {})
    return contract(
        student_id=student_id or new_id(),
        nis="1",
        nisn=None,
        gender="MALE",
        status="ACTIVE",
        user_id=user_id,
        guardians=tuple(guardians),
        personal=personal,
    )


def guardian(email, *, name="Wijaya Kusuma", user_id=None, guardian_id=None):
    return GuardianContact(
        guardian_id=guardian_id or new_id(),
        relation="FATHER",
        user_id=user_id,
        personal={"name": name} | ({"email": email} if email else {}),
    )


@pytest.fixture
def consume(database, contacts, revocations, clock):
    table, count = consumers(contacts, revocations), iter(range(1, 1000))

    async def run(tenant_id, *given, sequence=None):  # noqa: ANN002 - events of any contract
        async with database.write(system_binding(tenant_id)) as tx:
            for event in given:
                meta = EventMeta(id=new_id(), sequence=sequence or next(count), time=clock.now, tenant_id=tenant_id)
                await table[type(event)](tx, event, meta)

    return run


def hats(as_owner):
    rows = as_owner(
        "identity",
        "select name, hat from identity.users u join identity.user_roles r on r.user_id = u.id order by 1, 2",
    )
    return [(row["name"], row["hat"]) for row in rows]


async def test_guardians_and_pupils_with_an_address_are_invited_once(consume, school, as_owner, events, invitations):
    event = pupil(email="andi@x.test", guardians=[guardian("wijaya@x.test"), guardian(None)])
    await consume(school, event)
    await consume(school, event)
    assert hats(as_owner) == [("Andi Wijaya", "student"), ("Wijaya Kusuma", "parent")]
    assert {row["data"]["record_id"] for row in events("UserCreated")} == {
        str(event.student_id),
        str(event.guardians[0].guardian_id),
    }
    assert {invited.about for invited in invitations()} == {event.student_id, event.guardians[0].guardian_id}
    assert as_owner("identity", "select distinct staff, status from identity.users") == [
        {"staff": False, "status": "INVITED"}
    ]


async def test_siblings_share_their_guardians_account(consume, school, as_owner, events):
    mother = new_id()
    await consume(school, pupil(guardians=[guardian("ibu@x.test", guardian_id=mother)]))
    await consume(
        school, pupil(guardians=[guardian("ibu@x.test", guardian_id=mother)]), pupil(guardians=[guardian("IBU@x.test")])
    )
    assert hats(as_owner) == [("Wijaya Kusuma", "parent")]
    assert len(events("UserInvited")) == 1
    assert len(events("UserCreated")) == 2
    assert events("RoleAssigned") == []


async def test_a_teacher_who_is_a_parent_wears_both_hats(
    *, consume, add_user, school, other_school, as_owner, events, revocations
):
    teacher = await add_user(school, "teacher", email="guru@x.test", name="Guru Bijak")
    await add_user(other_school, "teacher", email="guru@x.test", name="Guru Lain")
    child = pupil(guardians=[guardian("GURU@x.test")])
    await consume(school, child)
    assert hats(as_owner) == [("Guru Bijak", "parent"), ("Guru Bijak", "teacher"), ("Guru Lain", "teacher")]
    (assigned,) = events("RoleAssigned")
    assert (assigned["data"]["role"], assigned["data"]["ver"]) == ("parent", 2)
    assert events("UserCreated")[-1]["data"]["record_id"] == str(child.guardians[0].guardian_id)
    assert events("UserCreated")[-1]["data"]["user_id"] == str(teacher.user_id)
    assert revocations._versions[teacher.user_id][0] == 2


async def test_a_parent_who_becomes_a_teacher_is_staff(consume, add_user, school, as_owner):
    await add_user(school, "parent", email="guru@x.test")
    await consume(school, TeacherCreated(teacher_id=new_id(), personal={"name": "Guru", "email": "guru@x.test"}))
    assert as_owner("identity", "select staff from identity.users") == [{"staff": True}]


async def test_one_address_of_mother_and_child_is_one_account_with_two_hats(consume, school, as_owner, events):
    await consume(school, pupil(email="rumah@x.test", guardians=[guardian("rumah@x.test")]))
    assert [hat for _, hat in hats(as_owner)] == ["parent", "student"]
    assert len(events("UserInvited")) == 1
    assert len(events("UserCreated")) == 2


async def test_people_without_address_or_with_an_account_are_left_alone(consume, school, as_owner):
    await consume(
        school,
        pupil(guardians=[guardian(None), guardian("a@x.test", user_id=new_id())], user_id=new_id(), email="b@x.test"),
    )
    await consume(school, TeacherCreated(teacher_id=new_id(), personal={"name": "Guru"}))
    gone = {"name": "Guru Lama", "email": "lama@x.test"}
    await consume(school, TeacherUpdated(teacher_id=new_id(), status="INACTIVE", personal=gone))
    assert as_owner("identity", "select * from identity.users") == []


async def test_links_fill_students_by_the_highest_sequence(consume, school, other_school, as_owner):
    student, mother, user = new_id(), new_id(), new_id()
    linked = GuardianLinked(student_id=student, guardian_id=mother, relation="MOTHER", user_id=user)
    await consume(school, linked, sequence=5)
    await consume(school, GuardianLinked(student_id=student, guardian_id=mother, relation="MOTHER"), sequence=4)
    await consume(school, linked, sequence=5)
    own = new_id()
    await consume(school, pupil(contract=StudentUpdated, student_id=student, user_id=own), sequence=6)
    rows = as_owner("identity", "select tenant_id, user_id, student_id from identity.user_students order by sequence")
    assert [(row["tenant_id"], row["user_id"], row["student_id"]) for row in rows] == [
        (school, user, student),
        (school, own, student),
    ]


async def test_a_pupil_of_an_import_costs_few_statements(consume, database, school, as_owner):
    """What an import of academic sends by the hundred: the seed must not wait for it."""
    statements: list[str] = []

    def count(_connection, _cursor, statement, _parameters, _context, _many):
        statements.append(statement)

    await consume(school, pupil(guardians=[guardian("first@x.test")]))  # the school gets its key
    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    await consume(school, *(pupil(guardians=[guardian(f"wali{n}@x.test")]) for n in range(50)))
    event.remove(database.engine.sync_engine, "before_cursor_execute", count)
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 51}]
    assert len(statements) <= 50 * 7 + 10
