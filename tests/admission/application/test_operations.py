import asyncio
import json
from datetime import date, timedelta

import pytest

from libs.kernel import InvalidInput, NotFound, Scope, new_id
from subgraphs.admission.application.operations import tell_applications
from subgraphs.admission.application.rules import (
    AlreadyApplied,
    ApplicationNotSubmitted,
    KeyReused,
    PeriodFull,
    PeriodNotOpen,
    hash_of_secret,
)
from subgraphs.admission.period.operations import close_periods
from tests.admission.world import TODAY, World, payment_received

NIK, NISN = "3307010605120001", "0123456789"


async def test_somebody_applies(world: World, other_world: World):
    period = await world.opened()
    submitted = await world.apply(period.id, nik=NIK, nisn=NISN)
    assert submitted.number == "SCHOOL-2027A-0001"
    (row,) = world.applications()
    assert row["secret_hash"] == hash_of_secret(submitted.secret)
    assert (row["status"], row["payment_status"], row["nisn"], row["language"]) == ("SUBMITTED", "UNPAID", NISN, "id")
    assert {each["token"] for each in world.rows("application_names")} == {"siti", "rahma"}
    assert world.rows("periods")[0]["applicants"] == 1
    for protected in (NIK, "+6281234567890", "ahmad@example.test", submitted.secret):
        assert protected not in str(row)
    async with world.write() as tx:
        key = (await world.applicants.vault.person_keys(tx, [row["id"]]))[row["id"]]
    place = {"table": "applications", "row_id": row["id"], "tenant_id": world.tenant_id}
    assert key.decrypt(row["nik"], column="nik", **place) == NIK
    assert other_world.applications() == other_world.rows("application_names") == []


async def test_what_others_are_told_is_sealed(world: World):
    period = await world.opened()
    submitted = await world.apply(period.id, nik=NIK, nisn=NISN)
    (row,) = world.applications()
    (event,) = world.events("ApplicationSubmitted")
    assert event == event | {
        "application_id": str(row["id"]),
        "period_name": "Gelombang 1",
        "number": submitted.number,
        "registration_fee": 150_000,
        "language": "id",
    }
    assert event["contact"]["contact_id"] == str(row["contact_id"])
    text = json.dumps(event)
    for value in ("Siti", "2012-03-04", "Ahmad", "ahmad@", "81234567890", submitted.secret, NIK, NISN):
        assert value not in text


async def test_the_family_learns_the_secret_and_a_snapshot_does_not_tell_it(world: World, other_world: World):
    period = await world.opened()
    await world.apply(period.id)
    async with world.write(Scope.SYSTEM) as tx:
        (told,) = [event async for event in tell_applications(world.applicants)(tx)]
    assert (told.number, told.secret) == ("SCHOOL-2027A-0001", {})
    assert told.personal == {"name": "Siti Rahma", "birth_date": "2012-03-04"}
    assert told.contact.personal == {"name": "Ahmad Rahman", "phone": "+6281234567890", "email": "ahmad@example.test"}
    async with other_world.write(Scope.SYSTEM) as tx:
        assert [event async for event in tell_applications(world.applicants)(tx)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"full_name": "SITI  rahma"},
        {"full_name": "Other One", "nik": NIK},
        {"full_name": "Other One", "nisn": NISN},
    ],
)
async def test_nobody_applies_twice_in_a_period(world: World, other_world: World, changes):
    period = await world.opened()
    await world.apply(period.id, nik=NIK, nisn=NISN)
    with pytest.raises(AlreadyApplied):
        await world.apply(period.id, **changes)
    assert (len(world.applications()), world.rows("periods")[0]["applicants"]) == (1, 1)
    another = await world.opened(code="B", year=world.rows("academic_years")[0]["id"])
    await world.apply(another.id, nik=NIK, nisn=NISN)
    await other_world.apply((await other_world.opened()).id, nik=NIK, nisn=NISN)


async def test_a_period_takes_applications_within_its_dates(world: World, other_world: World):
    draft = await world.period()
    with pytest.raises(PeriodNotOpen):
        await world.apply(draft.id)
    period = await world.open(draft)
    for day in (period.start_date - timedelta(days=1), period.end_date + timedelta(days=1)):
        with pytest.raises(PeriodNotOpen):
            await world.apply(period.id, today=day)
    foreign = await other_world.opened()
    for unknown in (foreign.id, new_id()):
        with pytest.raises(NotFound):
            await world.apply(unknown)
    with pytest.raises(InvalidInput):
        await world.apply(period.id, birth_date=date(1900, 1, 1))
    assert world.applications() == []
    assert world.events("ApplicationSubmitted") == []


async def test_the_same_request_is_answered_again(world: World):
    period, key = await world.opened(max_applicants=1), new_id()
    first = await world.apply(period.id, key=key)
    assert await world.apply(period.id, key=key) == first  # though the period is full by now
    with pytest.raises(KeyReused):
        await world.apply(period.id, key=key, full_name="Other One")
    assert len(world.events("ApplicationSubmitted")) == len(world.applications()) == 1


async def test_the_same_request_sent_at_once_is_done_once(world: World):
    period, key = await world.opened(), new_id()
    answers = await asyncio.gather(*(world.apply(period.id, key=key, nik=NIK) for _ in range(8)))
    assert len(set(answers)) == 1
    assert len(world.events("ApplicationSubmitted")) == len(world.applications()) == 1
    assert world.rows("periods")[0]["applicants"] == 1
    keys = world.as_owner("admission", "select subject_id from admission.data_keys where subject_kind = 'person'")
    assert len(keys) == 2  # none is left of those that came too late


async def test_of_many_who_send_the_same_applicant_one_gets_through(world: World):
    period = await world.opened()
    raced = await asyncio.gather(
        *(world.apply(period.id, nik=NIK, full_name=f"Siti {n}") for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, AlreadyApplied) for each in raced) == 7
    assert [row["number"] for row in world.applications()] == ["SCHOOL-2027A-0001"]
    await world.apply(period.id, full_name="Next One")
    assert [row["number"] for row in world.applications()] == ["SCHOOL-2027A-0001", "SCHOOL-2027A-0002"]


async def test_two_hundred_apply_at_once_and_no_number_is_missing(world: World):
    world.as_owner("admission", "update admission.tenants set npsn = '20306577' where id = %s", (world.tenant_id,))
    period = await world.opened()
    answers = await asyncio.gather(*(world.apply(period.id, full_name=f"Applicant {n}") for n in range(200)))
    expected = [f"20306577-2027A-{n:04d}" for n in range(1, 201)]
    assert sorted(answer.number for answer in answers) == expected
    assert [row["number"] for row in world.applications()] == expected
    assert len({answer.secret for answer in answers}) == 200
    assert world.rows("periods")[0]["applicants"] == len(world.events("ApplicationSubmitted")) == 200


async def test_of_two_hundred_at_once_as_many_get_through_as_the_period_takes(world: World):
    period = await world.opened(max_applicants=36)
    raced = await asyncio.gather(
        *(world.apply(period.id, full_name=f"Applicant {n}") for n in range(200)), return_exceptions=True
    )
    refused = [each for each in raced if isinstance(each, Exception)]
    assert {type(each) for each in refused} == {PeriodFull}
    assert refused[0].data == {"max_applicants": 36}
    assert [row["number"][-4:] for row in world.applications()] == [f"{n:04d}" for n in range(1, 37)]


async def test_who_comes_while_the_period_closes_is_refused(world: World):
    period = await world.opened(start_date=TODAY, end_date=TODAY)
    world.as_owner("admission", "update admission.periods set end_date = '2026-11-20', start_date = '2026-11-20'")
    async with world.write(Scope.SYSTEM) as tx:
        await close_periods(tx)
        late = asyncio.create_task(world.apply(period.id, today=date(2026, 11, 20)))
        await asyncio.sleep(0.3)
        assert not late.done()  # it waits for the row of the period
    with pytest.raises(PeriodNotOpen):
        await late
    assert world.applications() == []


async def test_an_application_is_verified_once(world: World, other_world: World):
    period = await world.opened()
    await world.apply(period.id)
    (row,) = world.applications()
    with pytest.raises(NotFound):
        await other_world.verify(row["id"])
    raced = await asyncio.gather(world.verify(row["id"]), world.verify(row["id"]), return_exceptions=True)
    (refused,) = [each for each in raced if isinstance(each, Exception)]
    assert isinstance(refused, ApplicationNotSubmitted)
    (row,) = world.applications()
    assert (row["status"], row["version"]) == ("VERIFIED", 2)
    assert row["verified_at"] is not None
    (event,) = world.events("ApplicationVerified")
    assert event["number"] == row["number"]


async def test_the_fee_is_paid_whatever_comes_again_or_late(world: World, other_world: World):
    period = await world.opened()
    await world.apply(period.id)
    (row,) = world.applications()
    part = world.envelope(payment_received(row["id"], status="PARTIALLY_PAID", paid=50_000), sequence=1)
    rest = world.envelope(payment_received(row["id"]), sequence=2)
    for other in ({"payer": "STUDENT"}, {"type": "UNIFORM"}, {"payer_id": new_id()}):
        await world.receive(payment_received(**{"payer_id": row["id"]} | other))
    await world.receive(part)
    assert world.applications()[0]["payment_status"] == "UNPAID"
    for envelope in (rest, part, rest, part):
        await world.receive(envelope)
    await other_world.receive(payment_received(row["id"]))
    (row,) = world.applications()
    assert (row["payment_status"], row["version"]) == ("PAID", 2)


@pytest.mark.parametrize("fee", [None, 0])
async def test_where_applying_is_free_nothing_is_paid(world: World, fee):
    period = await world.opened(registration_fee=fee)
    await world.apply(period.id)
    assert world.applications()[0]["payment_status"] == "FREE"
    assert world.events("ApplicationSubmitted")[0]["registration_fee"] == fee
