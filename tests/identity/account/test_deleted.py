"""Deleted accounts: whoever may take them back finds them, and nobody meets them anywhere else."""

import pytest

from libs.testing import actor_of

DELETED = """query($filter: DeletedUserFilter) { deletedUsers(filter: $filter) {
  totalCount nodes { id name email deletedAt } } }"""
RESTORE = "mutation($input: RestoreUserInput!) { restoreUser(input: $input) { __typename } }"


@pytest.fixture
async def admin(add_user, school):
    return await add_user(school, "school_admin", name="Kepala Tata Usaha", email="admin@x.test")


@pytest.fixture
async def gone(add_user, do, school):
    """Two accounts, deleted one after the other, by name."""
    made = {}
    for name, role in (("Guru Lama", "teacher"), ("Wali Murid", "parent")):
        made[name] = await add_user(school, role, name=name, email=f"{role}@x.test")
        await do("delete_user", user_id=made[name].user_id)
    return made


@pytest.fixture
def found(graph, admin):
    """`await found({…})`: the names of deleted accounts that a filter leaves."""

    async def ask(given=None):
        page = (await graph(DELETED, {"filter": given}, actor=admin)).ok()["deletedUsers"]
        assert page["totalCount"] == len(page["nodes"])
        return [node["name"] for node in page["nodes"]]

    return ask


async def test_a_deleted_account_is_found_and_taken_back(graph, admin, gone, found, as_owner):
    nodes = (await graph(DELETED, actor=admin)).ok()["deletedUsers"]["nodes"]
    assert {node["name"]: (node["id"], node["email"]) for node in nodes} == {
        name: (str(actor.user_id), actor.email) for name, actor in gone.items()
    }
    (row,) = as_owner("identity", "select deleted_at from identity.users where id = %s", (gone["Guru Lama"].user_id,))
    (told,) = (node["deletedAt"] for node in nodes if node["name"] == "Guru Lama")
    assert told == row["deleted_at"].isoformat().replace("+00:00", "Z")
    answer = await graph(RESTORE, {"input": {"userId": nodes[0]["id"]}}, actor=admin)
    assert answer.ok()["restoreUser"]["__typename"] == "RestoreUserSuccess"
    assert await found() == [nodes[1]["name"]]


async def test_the_last_one_comes_first(found, gone, as_owner):
    earlier = "update identity.users set deleted_at = deleted_at - interval '1 day' where id = %s"
    as_owner("identity", earlier, (gone["Wali Murid"].user_id,))
    assert await found() == ["Guru Lama", "Wali Murid"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"search": "gur"}, ["Guru Lama"]),
        ({"search": "lama gu"}, ["Guru Lama"]),
        ({"search": "kepala"}, []),
        ({"email": {"eq": "PARENT@x.test"}}, ["Wali Murid"]),
        ({"email": {"eq": "admin@x.test"}}, []),
        ({"deletedAt": {"lt": "2020-01-01T00:00:00Z"}}, []),
    ],
)
@pytest.mark.usefixtures("gone")
async def test_they_are_found_by_name_address_and_moment(found, given, names):
    assert await found(given) == names


async def test_they_are_nowhere_else(graph, admin, gone):
    document = """query($id: ID!, $ids: [_Any!]!) {
      user(id: $id) { name } users { totalCount nodes { name } } userAggregates { count }
      found: users(filter: {search: "guru"}) { totalCount } roles { name holders } _entities(representations: $ids) {
        ... on User { name } } }"""
    who = str(gone["Guru Lama"].user_id)
    answer = await graph(document, {"id": who, "ids": [{"__typename": "User", "id": who}]}, actor=admin)
    told = answer.ok()
    assert (told["user"], told["_entities"], told["found"]) == (None, [None], {"totalCount": 0})
    assert told["users"] == {"totalCount": 1, "nodes": [{"name": "Kepala Tata Usaha"}]}
    assert told["userAggregates"] == [{"count": 1}]
    assert [role["name"] for role in told["roles"] if role["holders"]] == ["school_admin"]


async def test_a_deleted_account_is_no_entity_of_its_own(graph, admin, gone):
    asked = "query($ids: [_Any!]!) { _entities(representations: $ids) { __typename } }"
    them = [{"__typename": "DeletedUser", "id": str(gone["Guru Lama"].user_id)}]
    answer = await graph(asked, {"ids": them}, actor=admin)
    assert (answer.data, bool(answer.codes)) == (None, True)


@pytest.mark.parametrize("role", ["principal", "teacher", "student", "parent", "finance_staff", "admission_staff"])
async def test_only_administrators_see_them(graph, add_user, school, gone, role):
    answer = await graph(DELETED, actor=await add_user(school, role))
    assert (answer.data, answer.codes, len(gone)) == (None, ["FORBIDDEN"], 2)


async def test_another_school_s_do_not_exist(graph, other_school, gone):
    for given in (None, {"email": {"eq": gone["Guru Lama"].email}}):
        answer = await graph(DELETED, {"filter": given}, actor=actor_of("school_admin", other_school))
        assert answer.ok()["deletedUsers"] == {"totalCount": 0, "nodes": []}


async def test_addresses_take_a_permission_of_their_own(graph, limited, gone):
    answer = await graph(DELETED, actor=limited)
    assert {node["name"] for node in answer.data["deletedUsers"]["nodes"]} == set(gone)
    assert {node["email"] for node in answer.data["deletedUsers"]["nodes"]} == {None}
    assert set(answer.codes) == {"FORBIDDEN"}
    asked = await graph(DELETED, {"filter": {"email": {"eq": "teacher@x.test"}}}, actor=limited)
    assert asked.codes == ["FORBIDDEN"]
