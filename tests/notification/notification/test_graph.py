"""Who sees which message, by every way into the graph."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from libs.auth import Actor
from libs.kernel import new_id
from libs.testing import GraphClient, actor_of
from subgraphs.notification.app import create_app
from subgraphs.notification.channel.rules import Outcome, Receipt
from tests.notification.world import EMAIL, START, TOKEN, World, absent, activated, invited, student
from tests.notification.world import Family as Absentees

LIST = "{ notifications { totalCount nodes { id } } }"
ONE = "query ($id: ID!) { notification(id: $id) { id } }"
ENTITIES = """query ($of: [_Any!]!) { _entities(representations: $of) {
  ... on User { notifications { totalCount nodes { id eventType } } }
  ... on Student { notifications { totalCount nodes { id eventType } } } } }"""
FAMILY_ROLES = ("parent", "student", "teacher", "finance_staff", "admission_staff")


@dataclass(frozen=True)
class Family:
    """A mother invited for two pupils, one of the pupils invited too, and a stranger's mail; ids of the messages."""

    tenant_id: UUID
    mother: UUID
    pupil_user: UUID
    stranger: UUID
    pupil: UUID
    sibling: UUID
    to_mother: UUID
    to_pupil: UUID
    to_stranger: UUID

    @property
    def all(self) -> set[str]:
        return {str(each) for each in (self.to_mother, self.to_pupil, self.to_stranger)}

    def parent(self) -> Actor:
        return actor_of("parent", self.tenant_id, user_id=self.mother, student_ids=(self.pupil, self.sibling))

    def child(self) -> Actor:
        return actor_of("student", self.tenant_id, user_id=self.pupil_user, student_ids=(self.pupil,))


async def family(world: World) -> Family:
    guardian, mother, pupil_user, stranger = (new_id() for _ in range(4))
    pupil, sibling = student(guardian), student(guardian)
    await world.receive(
        pupil,
        sibling,
        invited(user_id=mother, about=guardian),
        invited(user_id=pupil_user, about=pupil.student_id),
        invited(user_id=stranger),
    )
    sent = {row["user_id"]: row["id"] for row in world.rows("notifications")}
    return Family(
        world.tenant_id,
        mother,
        pupil_user,
        stranger,
        pupil.student_id,
        sibling.student_id,
        sent[mother],
        sent[pupil_user],
        sent[stranger],
    )


@pytest.fixture
async def graph(world: World) -> AsyncIterator[GraphClient]:
    async with GraphClient(create_app(world.settings), world.settings) as client:
        yield client


@pytest.fixture
async def here(world: World) -> Family:
    return await family(world)


@pytest.fixture
async def there(other_world: World) -> Family:
    """Another school's family: what nobody here may see, and the owner's rows prove is there."""
    made = await family(other_world)
    assert len(other_world.rows("notifications")) == 3
    return made


def ids(connection) -> set[str]:
    assert connection["totalCount"] == len(connection["nodes"])
    return {node["id"] for node in connection["nodes"]}


async def seen(graph: GraphClient, actor: Actor) -> set[str]:
    return ids((await graph(LIST, actor=actor)).ok()["notifications"])


async def entity(graph: GraphClient, actor: Actor, kind: str, entity_id: UUID) -> set[str]:
    answer = await graph(ENTITIES, {"of": [{"__typename": kind, "id": str(entity_id)}]}, actor=actor)
    [found] = answer.ok()["_entities"]
    return ids(found["notifications"])


@pytest.mark.parametrize("role", ["principal", "school_admin"])
async def test_the_school_s_leaders_see_every_message_of_the_school_and_no_other(graph, here, there, role):
    actor = actor_of(role, here.tenant_id)
    assert await seen(graph, actor) == here.all
    assert await seen(graph, actor_of(role, there.tenant_id)) == there.all


async def test_families_see_what_was_sent_to_them(graph, here, there):
    assert await seen(graph, here.parent()) == {str(here.to_mother)}
    assert await seen(graph, here.child()) == {str(here.to_pupil)}
    assert await seen(graph, there.parent()) == {str(there.to_mother)}


@pytest.mark.parametrize("role", FAMILY_ROLES)
async def test_others_see_their_own_messages_alone(graph, here, there, role):
    assert await seen(graph, actor_of(role, here.tenant_id)) == set()
    assert await seen(graph, actor_of(role, here.tenant_id, user_id=here.stranger)) == {str(here.to_stranger)}


async def test_one_message_is_null_where_it_is_not_yours(graph, here, there):
    async def found(actor: Actor, message: UUID) -> bool:
        return (await graph(ONE, {"id": str(message)}, actor=actor)).ok()["notification"] is not None

    principal = actor_of("principal", here.tenant_id)
    assert await found(principal, here.to_stranger)
    assert await found(here.parent(), here.to_mother)
    assert not await found(here.parent(), here.to_pupil)
    assert not await found(principal, there.to_mother)
    assert not await found(principal, new_id())


async def test_messages_of_an_account(graph, here, there):
    principal = actor_of("principal", here.tenant_id)
    assert await entity(graph, principal, "User", here.mother) == {str(here.to_mother)}
    assert await entity(graph, principal, "User", there.mother) == set()
    assert await entity(graph, principal, "User", new_id()) == set()
    assert await entity(graph, here.parent(), "User", here.mother) == {str(here.to_mother)}
    assert await entity(graph, here.parent(), "User", here.pupil_user) == set()


async def test_messages_about_a_pupil(graph, here, there):
    principal = actor_of("principal", here.tenant_id)
    assert await entity(graph, principal, "Student", here.pupil) == {str(here.to_mother), str(here.to_pupil)}
    assert await entity(graph, principal, "Student", here.sibling) == {str(here.to_mother)}
    assert await entity(graph, principal, "Student", there.pupil) == set()
    assert await entity(graph, here.parent(), "Student", here.pupil) == {str(here.to_mother)}
    assert await entity(graph, here.parent(), "Student", here.sibling) == {str(here.to_mother)}
    assert await entity(graph, here.parent(), "Student", there.pupil) == set()
    assert await entity(graph, here.child(), "Student", here.pupil) == {str(here.to_pupil)}
    assert await entity(graph, here.child(), "Student", here.sibling) == set()


async def test_many_references_are_answered_in_order(graph, here):
    principal = actor_of("principal", here.tenant_id)
    of = [{"__typename": "Student", "id": str(each)} for each in (here.sibling, new_id(), here.pupil)]
    found = (await graph(ENTITIES, {"of": of}, actor=principal)).ok()["_entities"]
    assert [each["notifications"]["totalCount"] for each in found] == [1, 0, 2]


@pytest.mark.parametrize("document", [LIST, ONE])
async def test_nobody_sees_nothing(graph, here, document):
    answer = await graph(document, {"id": str(here.to_mother)} if document == ONE else {}, tenant_id=here.tenant_id)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert not (answer.data or {}).get("notification")


async def test_what_a_message_tells(graph, world):
    event = invited()
    await world.receive(event)
    query = "{ notifications { nodes { channel eventType subject body status sentAt attempts createdAt } } }"
    principal = actor_of("principal", world.tenant_id)
    [waiting] = (await graph(query, actor=principal)).ok()["notifications"]["nodes"]
    assert (waiting["status"], waiting["attempts"], waiting["sentAt"]) == ("PENDING", 0, None)
    await world.sender().send_due()
    [sent] = (await graph(query, actor=principal)).ok()["notifications"]["nodes"]
    assert (sent["channel"], sent["eventType"], sent["status"], sent["attempts"]) == (
        "EMAIL",
        "user.created",
        "SENT",
        1,
    )
    assert sent["sentAt"] == START.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert sent["subject"] == "Undangan: buat kata sandi akun Wiyata Anda"
    assert "Buka tautan undangan" in sent["body"]
    for secret in (TOKEN, EMAIL, "http"):
        assert secret not in str(sent)


async def test_filters_and_order(graph, world):
    world.mailer.answers = [Receipt(Outcome.PERMANENT, "SMTP 550")]
    for event in (invited(), invited(), activated(user_id=new_id())):
        await world.receive(event)
        world.clock.forward(minutes=1)
        if event.__class__.__name__ == "UserInvited":
            await world.sender().send_due()
    principal = actor_of("principal", world.tenant_id)
    rows = world.rows("notifications")

    async def matching(condition: str) -> list[str]:
        query = f"{{ notifications(filter: {condition}, orderBy: [CREATED_AT_ASC]) {{ nodes {{ id }} }} }}"
        return [node["id"] for node in (await graph(query, actor=principal)).ok()["notifications"]["nodes"]]

    first, second, third = (str(row["id"]) for row in sorted(rows, key=lambda row: row["created_at"]))
    assert await matching("{status: {eq: FAILED}}") == [first]
    assert await matching("{status: {in: [SENT, PENDING]}}") == [second, third]
    assert await matching('{eventType: {eq: "user.activated"}}') == [third]
    assert await matching("{channel: {eq: EMAIL}}") == [first, second, third]
    assert await matching("{channel: {eq: WHATSAPP}}") == []
    moment = sorted(row["created_at"] for row in rows)[1]
    assert await matching(f'{{createdAt: {{gt: "{moment.isoformat()}"}}}}') == [third]
    assert await matching(f'{{createdAt: {{lt: "{(moment - timedelta(days=1)).isoformat()}"}}}}') == []
    newest = (await graph(LIST, actor=principal)).ok()["notifications"]["nodes"]
    assert [node["id"] for node in newest] == [third, second, first]


async def test_pages_lose_and_repeat_nothing(graph, world):
    await world.receive(*(invited() for _ in range(7)))  # one transaction: all of one moment, id breaks the tie
    principal = actor_of("principal", world.tenant_id)
    query = """query ($after: String) { notifications(first: 3, after: $after) {
      totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"""
    found: list[str] = []
    after, more = None, True
    while more:
        page = (await graph(query, {"after": after}, actor=principal)).ok()["notifications"]
        assert page["totalCount"] == 7
        found += [node["id"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(found) == len(set(found)) == 7
    assert set(found) == {str(row["id"]) for row in world.rows("notifications")}


async def test_a_message_is_no_entity_of_the_federation(graph, here):
    of = [{"__typename": "Notification", "id": str(here.to_mother)}]
    answer = await graph(
        "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }",
        {"of": of},
        actor=actor_of("principal", here.tenant_id),
    )
    assert answer.codes
    assert str(here.to_mother) not in str(answer.data)


FAILED = """query ($of: [_Any!]!) { _entities(representations: $of) { ... on SchoolOverview { failedMessages } } }"""


async def failed(graph: GraphClient, role: str, tenant_id: UUID, *, of: UUID | None = None):
    keys = [{"__typename": "SchoolOverview", "id": str(of or tenant_id)}]
    return await graph(FAILED, {"of": keys}, actor=actor_of(role, tenant_id))


async def test_leaders_see_how_many_messages_failed_at_their_school(graph, world, other_world):
    await world.receive(*(invited() for _ in range(3)))
    await other_world.receive(invited())
    world.mailer.answers = [Receipt(Outcome.PERMANENT, "SMTP 550")] * 2
    await world.sender().send_due()
    lost = {
        each.tenant_id: len([row for row in each.rows("notifications") if row["status"] == "FAILED"])
        for each in (world, other_world)
    }
    assert sum(lost.values()) == 2
    for role in ("principal", "school_admin"):
        for tenant_id, count in lost.items():
            answer = await failed(graph, role, tenant_id)
            assert answer.ok()["_entities"] == [{"failedMessages": count}]
    assert (await failed(graph, "principal", world.tenant_id, of=other_world.tenant_id)).ok()["_entities"] == [None]
    for role in FAMILY_ROLES:
        answer = await failed(graph, role, world.tenant_id)
        assert (answer.data["_entities"], answer.codes) == ([None], ["FORBIDDEN"])


async def test_a_school_without_messages_has_none_that_failed(graph, world):
    assert (await failed(graph, "principal", world.tenant_id)).ok()["_entities"] == [{"failedMessages": 0}]


async def test_an_absence_shows_to_its_family_without_a_name(graph, world, there):
    known = await Absentees.of(world, "Budi Canary", "Siti Canary")
    budi, siti = known.pupils.values()
    await world.receive(absent(budi), absent(siti), absent(siti, "SICK"))
    mother = actor_of("parent", world.tenant_id, user_id=known.user_id, student_ids=(budi, siti))
    query = """query ($of: [_Any!]!) { _entities(representations: $of) { ... on Student { notifications { nodes {
      eventType subject body status } } } } }"""
    keys = [{"__typename": "Student", "id": str(each)} for each in (budi, siti)]
    found = (await graph(query, {"of": keys}, actor=mother)).ok()["_entities"]
    [message], none = (each["notifications"]["nodes"] for each in found)
    assert none == []
    assert (message["eventType"], message["status"]) == ("absence.notified", "PENDING")
    assert message["subject"] == "Ketidakhadiran di sekolah: Rabu, 1 Juli 2026"
    assert "Canary" not in str(message)
    stranger = actor_of("parent", world.tenant_id, user_id=new_id(), student_ids=(new_id(),))
    found = (await graph(query, {"of": keys}, actor=stranger)).ok()["_entities"]
    assert [each["notifications"]["nodes"] for each in found] == [[], []]
