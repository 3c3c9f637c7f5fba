import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from libs.kernel import new_id
from tests.finance.graph import ROLES, Scene

PAID = (
    "... on RecordPaymentSuccess { payment { id number amount method paidOn referenceNumber student { id } }"
    " invoice { id paid status open } } ... on AmountTooLarge { open }"
)
WHOLE = ("school_admin", "principal", "finance_staff")
OWN = ("student", "parent")


def payment(here: Scene, **other) -> dict:
    paid_on = here.world.today.isoformat()
    return {"invoiceId": here.invoices[0], "amount": 100_000, "method": "QRIS", "paidOn": paid_on} | other


@pytest.mark.parametrize("role", ROLES)
async def test_who_records_payments(here: Scene, there: Scene, role: str):
    answer = await here.change("recordPayment", PAID, role, **payment(here, referenceNumber="BCA 123"))
    if role in ("school_admin", "finance_staff"):
        assert answer["payment"] == answer["payment"] | {
            "amount": 100_000,
            "method": "QRIS",
            "paidOn": here.world.today.isoformat(),
            "referenceNumber": "BCA 123",
            "student": {"id": str(here.students[0])},
        }
        left = {"id": str(here.invoices[0]), "paid": 100_000, "status": "PARTIALLY_PAID", "open": 150_000}
        assert answer["invoice"] == left
        assert here.world.rows("payments")[0]["received_by"] == here.actors[role].user_id
    else:
        assert answer["__typename"] == "Forbidden"
        assert here.world.rows("payments") == []
    assert there.world.rows("payments") == []


async def test_every_other_answer(here: Scene, there: Scene):
    tomorrow = (here.world.today + timedelta(days=1)).isoformat()
    for change, kind in (
        ({"invoiceId": new_id()}, "NotFound"),
        ({"invoiceId": there.invoices[0]}, "NotFound"),
        ({"amount": 0}, "InvalidInput"),
        ({"amount": -5}, "InvalidInput"),
        ({"paidOn": tomorrow}, "InvalidInput"),
        ({"referenceNumber": "x" * 101}, "InvalidInput"),
    ):
        assert (await here.change("recordPayment", PAID, **payment(here, **change)))["__typename"] == kind
    too_large = await here.change("recordPayment", PAID, **payment(here, amount=250_001))
    assert (too_large["__typename"], too_large["code"], too_large["open"]) == (
        "AmountTooLarge",
        "AMOUNT_TOO_LARGE",
        250_000,
    )
    assert (await here.change("recordPayment", PAID, **payment(here, amount=250_000)))["invoice"]["status"] == "PAID"
    again = await here.change("recordPayment", PAID, **payment(here))
    assert (again["__typename"], again["message"]) == ("AlreadyPaid", "Tagihan ini sudah lunas.")
    assert len(here.world.rows("payments")) == 1
    assert there.world.rows("payments") == []


async def test_a_fraction_or_an_unknown_method_is_no_payment(here: Scene):
    document = "mutation($input: RecordPaymentInput!) { recordPayment(input: $input) { __typename } }"
    for change in ({"amount": 0.5}, {"method": "BARTER"}, {"amount": 2**60}):
        assert (await here.ask(document, input=payment(here, **change))).codes == ["BAD_REQUEST"]


async def test_of_two_cashiers_one_is_told_that_it_is_paid(here: Scene):
    full = payment(here, amount=250_000)
    answers = await asyncio.gather(*(here.change("recordPayment", PAID, **full) for _ in range(4)))
    assert sorted(each["__typename"] for each in answers) == ["AlreadyPaid"] * 3 + ["RecordPaymentSuccess"]
    assert len(here.world.rows("payments")) == 1


async def test_a_payment_that_is_sent_twice_is_taken_once(here: Scene):
    document = f"mutation($input: RecordPaymentInput!) {{ recordPayment(input: $input) {{ {PAID} }} }}"
    actor, headers = here.actors["finance_staff"], {"idempotency-key": str(new_id())}
    sent = {"input": payment(here)}
    answers = [await here.graph(document, sent, actor=actor, headers=headers) for _ in range(2)]
    assert answers[0].ok()["recordPayment"]["payment"] == answers[1].ok()["recordPayment"]["payment"]
    assert len(here.world.rows("payments")) == 1


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_sees_the_payments_they_are_to_see(here: Scene, there: Scene, role: str):
    for scene in (here, there):
        for place in (0, 1, 3):
            await scene.change("recordPayment", PAID, **payment(scene, invoiceId=scene.invoices[place]))
    answer = await here.ask("{ payments { totalCount nodes { student { id } } } }", role)
    seen = [here.students[0], here.students[1], None] if role in WHOLE else [here.students[0]] if role in OWN else None
    if seen is None:
        assert answer.codes == ["FORBIDDEN"]
        return
    found = [node["student"] and node["student"]["id"] for node in answer.ok()["payments"]["nodes"]]
    assert sorted(map(str, found)) == sorted(map(str, seen))
    for row in [*here.world.rows("payments"), *there.world.rows("payments")]:
        found = (await here.ask("query($id: ID!) { payment(id: $id) { id } }", role, id=row["id"])).ok()["payment"]
        visible = row["tenant_id"] == here.world.tenant_id and row["student_id"] in seen
        assert found == ({"id": str(row["id"])} if visible else None)
    query = "query($id: ID!) { payments(filter: {studentId: {eq: $id}}) { totalCount } }"
    for student, count in (
        (here.students[0], 1),
        (here.students[1], 1 if role in WHOLE else 0),
        (there.students[0], 0),
    ):
        assert (await here.ask(query, role, id=student)).ok()["payments"]["totalCount"] == count


async def test_own_rows_stay_own_in_a_statement_that_reads_more_of_others(here: Scene):
    """Such a statement runs with the eyes of the school: row-level security lets all rows through."""
    for place in (0, 1):
        await here.change("recordPayment", PAID, **payment(here, invoiceId=here.invoices[place]))
    parent, first = here.actors["parent"], str(here.students[0])
    here.actors["mixed"] = replace(parent, permissions=frozenset({"invoice:read", "payment:read_own"}))
    found = (await here.ask("{ invoices { nodes { id payments { totalCount } } } }", "mixed")).ok()
    counts = {node["id"]: node["payments"]["totalCount"] for node in found["invoices"]["nodes"]}
    assert counts == {str(each): int(place == 0) for place, each in enumerate(here.invoices)}
    here.actors["mixed"] = replace(parent, permissions=frozenset({"payment:read", "invoice:read_own"}))
    query = "{ payments { nodes { student { id invoices { totalCount } outstandingBalance } } } }"
    students = [node["student"] for node in (await here.ask(query, "mixed")).ok()["payments"]["nodes"]]
    seen = {each["id"]: (each["invoices"]["totalCount"], each["outstandingBalance"]) for each in students}
    assert seen == {first: (1, 150_000), str(here.students[1]): (0, None)}


async def test_payments_can_be_filtered_and_ordered(here: Scene):
    await here.change("recordPayment", PAID, **payment(here))
    await here.change("recordPayment", PAID, **payment(here, method="CASH", paidOn="2026-08-01", referenceNumber="A-1"))
    for filter_, methods in (
        ("method: {eq: CASH}", ["CASH"]),
        ('paidOn: {lt: "2026-08-02"}', ["CASH"]),
        ('referenceNumber: {eq: "A-1"}', ["CASH"]),
    ):
        answer = await here.ask(f"{{ payments(filter: {{{filter_}}}) {{ nodes {{ method }} }} }}")
        assert [node["method"] for node in answer.ok()["payments"]["nodes"]] == methods
    answer = await here.ask("{ payments(orderBy: [NUMBER_ASC]) { nodes { method } } }")
    assert [node["method"] for node in answer.ok()["payments"]["nodes"]] == ["QRIS", "CASH"]


async def test_a_school_without_finance_takes_no_payment(here: Scene):
    here.world.as_owner("finance", "update finance.tenants set features = '{ADMISSION}', sequence = sequence + 1")
    document = "mutation($input: RecordPaymentInput!) { recordPayment(input: $input) { __typename } }"
    assert (await here.ask(document, input=payment(here))).codes == ["FEATURE_DISABLED"]


async def test_who_reads_payments_alone_is_told_no_balance(here: Scene):
    await here.change("recordPayment", PAID, **payment(here))
    here.actors["cashier"] = replace(here.actors["finance_staff"], permissions=frozenset({"payment:read"}))
    answer = await here.ask("{ payments { nodes { amount student { id outstandingBalance } } } }", "cashier")
    student = {"id": str(here.students[0]), "outstandingBalance": None}
    assert answer.data["payments"]["nodes"] == [{"amount": 100_000, "student": student}]
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["path"] == ["payments", "nodes", 0, "student", "outstandingBalance"]
