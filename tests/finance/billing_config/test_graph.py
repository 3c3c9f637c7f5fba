import pytest

from tests.finance.graph import ROLES, Scene

SPP = {
    "name": "SPP X",
    "amount": 300_000,
    "type": "SPP",
    "frequency": "MONTHLY",
    "dueDay": 10,
    "classLevel": 10,
    "validFrom": "2026-07-01",
}
ALL = "id name amount type frequency dueDay classLevel validFrom validTo isActive"
MADE = f"... on CreateBillingConfigSuccess {{ billingConfig {{ {ALL} }} }}"


@pytest.mark.parametrize("role", ROLES)
async def test_who_says_what_is_billed_and_who_reads_it(here: Scene, there: Scene, role: str):
    made = await here.change("createBillingConfig", MADE, role, **SPP)
    page = await here.ask("{ billingConfigs { totalCount nodes { name } } }", role)
    if role in ("school_admin", "finance_staff"):
        assert made["billingConfig"] == made["billingConfig"] | SPP | {"validTo": None, "isActive": True}
        assert page.ok()["billingConfigs"]["nodes"] == [{"name": "SPP"}, {"name": "SPP X"}]
    else:
        assert made["__typename"] == "Forbidden"
        assert len(here.world.rows("billing_configurations")) == 1
        if role == "principal":
            assert page.ok()["billingConfigs"] == {"totalCount": 1, "nodes": [{"name": "SPP"}]}
        else:
            assert page.codes == ["FORBIDDEN"]
    assert len(there.world.rows("billing_configurations")) == 1


@pytest.mark.parametrize(
    ("wrong", "path", "code"),
    [
        ({"amount": 0}, "input.amount", "TOO_SMALL"),
        ({"amount": -1}, "input.amount", "TOO_SMALL"),
        ({"amount": 10**13}, "input.amount", "TOO_LARGE"),
        ({"dueDay": 0}, "input.dueDay", "TOO_SMALL"),
        ({"dueDay": 32}, "input.dueDay", "TOO_LARGE"),
        ({"classLevel": 14}, "input.classLevel", "TOO_LARGE"),
        ({"name": " "}, "input.name", "REQUIRED"),
    ],
)
async def test_wrong_values_are_told_with_their_place(here: Scene, wrong: dict, path: str, code: str):
    answer = await here.change("createBillingConfig", MADE, **(SPP | wrong))
    assert (answer["__typename"], answer["fields"]) == ("InvalidInput", [{"path": path, "code": code}])
    assert len(here.world.rows("billing_configurations")) == 1


async def test_a_fraction_of_a_rupiah_is_no_amount(here: Scene):
    document = "mutation($input: CreateBillingConfigInput!) { createBillingConfig(input: $input) { __typename } }"
    answer = await here.ask(document, input=SPP | {"amount": 1.5})
    assert answer.codes == ["BAD_REQUEST"]


async def test_what_is_billed_can_be_filtered(here: Scene):
    await here.change("createBillingConfig", MADE, **(SPP | {"name": "Ujian", "type": "EXAM", "frequency": "ONCE"}))
    for filter_, names in (
        ("type: {eq: EXAM}", ["Ujian"]),
        ("frequency: {eq: MONTHLY}", ["SPP"]),
        ("classLevel: {isNull: true}", ["SPP"]),
        ("isActive: {eq: true}", ["SPP", "Ujian"]),
    ):
        answer = await here.ask(f"{{ billingConfigs(filter: {{{filter_}}}) {{ nodes {{ name }} }} }}")
        assert [node["name"] for node in answer.ok()["billingConfigs"]["nodes"]] == names


async def test_a_school_without_finance_bills_nothing(here: Scene):
    here.world.as_owner("finance", "update finance.tenants set features = '{ADMISSION}', sequence = sequence + 1")
    document = "mutation($input: CreateBillingConfigInput!) { createBillingConfig(input: $input) { __typename } }"
    assert (await here.ask(document, input=SPP)).codes == ["FEATURE_DISABLED"]
