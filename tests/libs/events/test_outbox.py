"""What a transaction leaves in the outbox."""

from datetime import UTC, date, datetime
from uuid import UUID

import orjson
import psycopg
import pytest

from libs.crypto import KeyRing, Undecipherable
from libs.db import Database
from libs.events.contracts.academic import GuardianContact, StudentCreated, SubjectCreated
from libs.events.contracts.admission import ApplicantContact, ApplicationSubmitted
from libs.events.contracts.identity import UserInvited
from libs.events.sealing import seal_event, unseal_event
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings
from libs.telemetry import tracing

TENANT = new_id()
SYSTEM = Binding(TENANT, Scope.SYSTEM)
CANARIES = ("Siti Canary", "canary@mail.test", "+628120000999", "2009-08-07", "canary-token", "wali@mail.test")


def student(student_id: UUID | None = None) -> StudentCreated:
    return StudentCreated(
        student_id=student_id or new_id(),
        nis="1001",
        nisn=None,
        gender="FEMALE",
        status="ACTIVE",
        entry_year=2024,
        personal={"name": "Siti Canary", "birth_date": date(2009, 8, 7).isoformat()},
        guardians=(
            GuardianContact(
                guardian_id=new_id(),
                relation="MOTHER",
                is_primary=True,
                personal={"email": "wali@mail.test", "phone": "+628120000999"},
            ),
        ),
    )


def outbox(settings: Settings, columns: str = "*") -> list[tuple[object, ...]]:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        return connection.execute(f"select {columns} from academic.outbox order by sequence").fetchall()


async def test_rows_lie_in_the_order_of_emission_and_say_whose_they_are(
    settings: Settings, academic: Database, key_ring: KeyRing
) -> None:
    events = [student() for _ in range(5)]
    with tracing() as trace:
        async with academic.write(SYSTEM) as tx:
            for event in events:
                tx.emit(event)
            emitted_at = tx.now
    rows = outbox(settings, "sequence, tenant_id, subject, type, aggregate_id, time, traceparent, data, published_at")
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert [row[4] for row in rows] == [event.student_id for event in events]
    assert {row[1:4] for row in rows} == {
        (TENANT, f"events.{TENANT}.academic.student.StudentCreated", "id.wiyata.academic.StudentCreated.v1")
    }
    assert {row[5] for row in rows} == {emitted_at}
    assert {row[6] for row in rows} == {str(trace)}
    assert {row[8] for row in rows} == {None}
    read = [unseal_event(key_ring, TENANT, StudentCreated, row[7]) for row in rows]  # type: ignore[arg-type]
    assert read == events


def test_a_single_part_about_another_person_is_sealed_too(key_ring: KeyRing) -> None:
    event = ApplicationSubmitted(
        application_id=new_id(),
        period_id=new_id(),
        period_name="Gelombang 1",
        number="20306577-2026A-0001",
        registration_fee=None,
        contact=ApplicantContact(contact_id=new_id(), personal={"email": "wali@mail.test", "name": "Siti Canary"}),
        personal={"name": "Siti Canary", "birth_date": "2009-08-07"},
        secret={"secret": "canary-token"},
    )
    sealed = seal_event(key_ring, TENANT, event)
    assert not [canary for canary in CANARIES if canary.encode() in sealed]
    assert unseal_event(key_ring, TENANT, ApplicationSubmitted, orjson.loads(sealed)) == event


async def test_a_change_that_rolls_back_emits_nothing(settings: Settings, academic: Database) -> None:
    async def change() -> None:
        async with academic.write(SYSTEM) as tx:
            tx.emit(student())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change()
    assert outbox(settings) == []


async def test_no_person_is_readable_in_the_outbox(settings: Settings, academic: Database) -> None:
    async with academic.write(SYSTEM) as tx:
        tx.emit(student())
        tx.emit(
            UserInvited(
                user_id=new_id(),
                roles=("parent",),
                language="id",
                expires_at=datetime(2026, 1, 1, tzinfo=UTC),
                personal={"name": "Siti Canary", "email": "canary@mail.test"},
                secret={"token": "canary-token"},
            )
        )
    stored = str(outbox(settings))
    assert [canary for canary in CANARIES if canary in stored] == []
    assert "1001" in stored  # what is sealed is the person, not the event


async def test_a_sealed_event_opens_for_its_tenant_and_person_alone(
    settings: Settings, academic: Database, key_ring: KeyRing
) -> None:
    async with academic.write(SYSTEM) as tx:
        tx.emit(student())
    data = outbox(settings, "data::text")[0][0]
    assert isinstance(data, str)
    sealed = orjson.loads(data)
    with pytest.raises(Undecipherable):
        unseal_event(key_ring, new_id(), StudentCreated, sealed)
    with pytest.raises(Undecipherable):
        unseal_event(key_ring, TENANT, StudentCreated, {**sealed, "student_id": str(new_id())})


async def test_the_app_can_neither_read_nor_change_the_outbox(academic: Database) -> None:
    for statement in ("select 1 from academic.outbox", "delete from academic.outbox"):
        with pytest.raises(Exception, match="permission denied"):
            async with academic.write(SYSTEM) as tx:
                await (await tx.session.connection()).exec_driver_sql(statement)


async def test_only_contracts_are_emitted(academic: Database) -> None:
    class Homemade:
        aggregate_id = new_id()

    with pytest.raises(TypeError, match="Homemade"):
        async with academic.write(SYSTEM) as tx:
            tx.emit(Homemade())


def test_personal_data_has_a_closed_list() -> None:
    with pytest.raises(ValueError, match=r"may not carry nik"):
        StudentCreated(
            student_id=new_id(), nis="1", nisn=None, gender="MALE", status="ACTIVE", personal={"nik": "3301"}
        )
    with pytest.raises(ValueError, match="about no person"):
        SubjectCreated(subject_id=new_id(), code="M", name="M", category="WAJIB", personal={"name": "x"})


def test_a_representation_shows_nothing_of_a_person() -> None:
    shown = repr(student())
    assert [canary for canary in CANARIES if canary in shown] == []
