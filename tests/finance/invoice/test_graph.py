import pytest

from libs.kernel import new_id
from libs.testing import actor_of
from tests.finance.graph import ROLES, Scene

PAGE = "{ invoices(orderBy: [NUMBER_ASC]) { totalCount nodes { id } } }"
GENERATE = "... on GenerateMonthlyInvoicesSuccess { created existing }"
WHOLE = ("school_admin", "principal", "finance_staff")
OWN = ("student", "parent")


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_sees_the_invoices_they_are_to_see(here: Scene, there: Scene, role: str):
    answer = await here.ask(PAGE, role)
    seen = here.invoices if role in WHOLE else here.invoices[:1] if role in OWN else None
    if seen is None:
        assert answer.codes == ["FORBIDDEN"]
    else:
        assert {node["id"] for node in answer.ok()["invoices"]["nodes"]} == {str(each) for each in seen}
        assert answer.ok()["invoices"]["totalCount"] == len(seen)
    for invoice in [*here.invoices, *there.invoices]:
        answer = await here.ask("query($id: ID!) { invoice(id: $id) { id } }", role, id=invoice)
        assert answer.data["invoice"] == ({"id": str(invoice)} if invoice in (seen or ()) else None)


async def test_an_invoice_with_all_that_belongs_to_it(here: Scene):
    await here.world.pay(here.invoices[0], 100_000)
    query = """query($id: ID!) { invoice(id: $id) { number amount discount paid open dueDate status period type payer notes
        billingConfig { name } student { id outstandingBalance } payments { totalCount nodes { amount method } } } }"""
    expected = {
        "amount": 250_000,
        "discount": 0,
        "paid": 100_000,
        "open": 150_000,
        "dueDate": "2026-08-10",
        "status": "PARTIALLY_PAID",
        "period": "2026-08",
        "type": "SPP",
        "payer": "STUDENT",
        "notes": None,
        "student": {"id": str(here.students[0]), "outstandingBalance": 150_000},
        "payments": {"totalCount": 1, "nodes": [{"amount": 100_000, "method": "CASH"}]},
    }
    for role in WHOLE:
        found = (await here.ask(query, role, id=here.invoices[0])).ok()["invoice"]
        assert found == found | expected | {"billingConfig": {"name": "SPP"}}
    for role in OWN:
        answer = await here.ask(query, role, id=here.invoices[0])
        assert answer.data["invoice"] == answer.data["invoice"] | expected | {"billingConfig": None}
        assert [error["path"] for error in answer.errors] == [["invoice", "billingConfig"]]
    fee = (await here.ask(query, id=here.invoices[3])).ok()["invoice"]
    assert (fee["payer"], fee["student"], fee["period"], fee["type"]) == ("APPLICANT", None, None, "REGISTRATION")
    assert fee["notes"] == "PPDB-2027-0001"


async def test_invoices_can_be_filtered_and_ordered(here: Scene):
    await here.world.pay(here.invoices[1], 250_000)
    for filter_, places in (
        ("status: {eq: PAID}", [1]),
        ("status: {in: [UNPAID, PARTIALLY_PAID]}", [0, 2, 3]),
        ('period: {eq: "2026-08"}', [0, 1, 2]),
        ('dueDate: {lte: "2026-08-10"}', [0, 1, 2]),
        ("type: {eq: REGISTRATION}", [3]),
        ("payer: {eq: STUDENT}", [0, 1, 2]),
        (f'studentId: {{eq: "{here.students[2]}"}}', [2]),
        ("studentId: {isNull: true}", [3]),
    ):
        answer = await here.ask(f"{{ invoices(filter: {{{filter_}}}) {{ nodes {{ id }} }} }}")
        found = {node["id"] for node in answer.ok()["invoices"]["nodes"]}
        assert found == {str(here.invoices[place]) for place in places}, filter_
    for order, first in (("DUE_DATE_ASC", "2026-08-10"), ("NUMBER_ASC", "2026-08-10")):
        answer = await here.ask(f"{{ invoices(first: 1, orderBy: [{order}]) {{ nodes {{ dueDate }} }} }}")
        assert answer.ok()["invoices"]["nodes"] == [{"dueDate": first}]


async def test_invoices_of_the_pupils_of_a_class(here: Scene, there: Scene):
    query = "query($id: ID!) { invoices(filter: {classId: {eq: $id}}) { nodes { id } } }"
    for class_id, places in ((here.classes[0], [0, 1]), (here.classes[1], [2]), (there.classes[0], [])):
        answer = await here.ask(query, id=class_id)
        found = {node["id"] for node in answer.ok()["invoices"]["nodes"]}
        assert found == {str(here.invoices[place]) for place in places}


@pytest.mark.parametrize("role", ROLES)
async def test_a_pupil_s_invoices_and_balance(here: Scene, there: Scene, role: str):
    fresh = new_id()
    keys = [*here.students, *there.students[:1], fresh]
    answer = await here.entities("Student", keys, "id invoices { nodes { amount } } outstandingBalance", role)
    found = answer.data["_entities"]
    if role in WHOLE:
        assert answer.codes == []
        assert [each["outstandingBalance"] for each in found] == [250_000] * 3 + [0, 0]
        assert [len(each["invoices"]["nodes"]) for each in found] == [1, 1, 1, 0, 0]
    elif role in OWN:
        assert [each["outstandingBalance"] for each in found] == [250_000] + [None] * 4
        assert [len(each["invoices"]["nodes"]) for each in found] == [1, 0, 0, 0, 0]
        assert answer.codes == []
    else:
        assert found == [None] * 5
        assert set(answer.codes) == {"FORBIDDEN"}


async def test_a_pupil_who_owes_nothing_owes_zero(here: Scene):
    await here.world.pay(here.invoices[0], 250_000)
    for role in ("finance_staff", "parent"):
        answer = await here.entities("Student", [here.students[0]], "outstandingBalance", role)
        assert answer.ok()["_entities"] == [{"outstandingBalance": 0}]


async def test_a_parent_of_two_sees_both(here: Scene):
    here.actors["parent"] = actor_of("parent", here.world.tenant_id, student_ids=tuple(here.students[1:]))
    answer = await here.entities("Student", here.students[1:], "outstandingBalance", "parent")
    assert [each["outstandingBalance"] for each in answer.ok()["_entities"]] == [250_000] * 2
    assert (await here.ask("{ invoices { totalCount } }", "parent")).ok()["invoices"]["totalCount"] == 2


@pytest.mark.parametrize("role", ROLES)
async def test_what_the_school_is_owed(here: Scene, there: Scene, role: str):
    await here.world.pay(here.invoices[0], 50_000)
    await here.world.pay(here.invoices[1], 250_000)
    keys = [here.world.tenant_id, there.world.tenant_id]
    answer = await here.entities("SchoolOverview", keys, "unpaidTotal", role)
    if role in ("school_admin", "principal"):
        assert answer.ok()["_entities"] == [{"unpaidTotal": 550_000}, None]
    else:
        assert answer.data["_entities"] == [None, None]
        assert set(answer.codes) == {"FORBIDDEN"}


@pytest.mark.parametrize("role", ROLES)
async def test_figures_are_for_who_sees_the_whole_school(here: Scene, there: Scene, role: str):
    await here.world.pay(here.invoices[0], 50_000)
    query = "{ invoiceAggregates(groupBy: [STATUS, TYPE]) { keys { status type } count open { sum } paid { sum } } }"
    answer = await here.ask(query, role)
    if role not in WHOLE:
        assert answer.codes == ["FORBIDDEN"]
        return
    found = {
        (each["keys"]["status"], each["keys"]["type"]): (each["count"], each["open"]["sum"], each["paid"]["sum"])
        for each in answer.ok()["invoiceAggregates"]
    }
    assert found == {
        ("PARTIALLY_PAID", "SPP"): (1, 200_000, 50_000),
        ("UNPAID", "SPP"): (2, 500_000, 0),
        ("UNPAID", "REGISTRATION"): (1, 100_000, 0),
    }


@pytest.mark.parametrize("role", ROLES)
async def test_who_issues_the_invoices_of_a_month(here: Scene, there: Scene, role: str):
    answers = [await here.change("generateMonthlyInvoices", GENERATE, role, month="2026-09") for _ in range(2)]
    if role in ("school_admin", "finance_staff"):
        counts = [(each["created"], each["existing"]) for each in answers]
        assert counts == [(3, 0), (0, 3)]
    else:
        assert {each["__typename"] for each in answers} == {"Forbidden"}
        assert len(here.world.invoices()) == 4
    assert len(there.world.invoices()) == 4


@pytest.mark.parametrize("month", ["2026-13", "August", "2026-8", "2026-08-01", ""])
async def test_what_is_no_month_is_told(here: Scene, month: str):
    answer = await here.change("generateMonthlyInvoices", GENERATE, month=month)
    assert answer["__typename"] == "InvalidInput"
    assert [fault["path"] for fault in answer["fields"]] == ["input.month"]
    assert len(here.world.invoices()) == 4


async def test_a_run_that_is_sent_twice_answers_the_same(here: Scene):
    query = (
        "mutation($input: GenerateMonthlyInvoicesInput!) { generateMonthlyInvoices(input: $input) { __typename"
        " ... on GenerateMonthlyInvoicesSuccess { created existing } } }"
    )
    actor, headers = here.actors["finance_staff"], {"idempotency-key": str(new_id())}
    sent = {"input": {"month": "2026-09"}}
    answers = [await here.graph(query, sent, actor=actor, headers=headers) for _ in range(2)]
    assert answers[0].ok()["generateMonthlyInvoices"]["created"] == 3
    assert answers[1].ok() == answers[0].ok()


async def test_a_school_without_finance_issues_nothing(here: Scene):
    here.world.as_owner("finance", "update finance.tenants set features = '{ADMISSION}', sequence = sequence + 1")
    document = (
        "mutation($input: GenerateMonthlyInvoicesInput!) { generateMonthlyInvoices(input: $input) { __typename } }"
    )
    assert (await here.ask(document, input={"month": "2026-09"})).codes == ["FEATURE_DISABLED"]
