"""What an actor may do, how far it reaches, and what a transaction is bound to for it."""

import pytest

from libs.auth import Reach, system_binding
from libs.kernel import PLATFORM_TENANT_ID, Binding, Forbidden, Scope, new_id


def test_may_is_exactly_what_is_held(make_actor):
    actor = make_actor(permissions=frozenset({"class:create"}))
    assert actor.may("class:create")
    assert not actor.may("subject:create")


def test_a_permission_nobody_wrote_down_is_a_mistake_of_ours(make_actor):
    with pytest.raises(KeyError, match="clas:create"):
        make_actor().may("clas:create")
    with pytest.raises(KeyError, match="pupil:read"):
        make_actor().reach("pupil")
    with pytest.raises(KeyError, match="student:juggle"):
        make_actor().binding("student", "juggle")


@pytest.mark.parametrize(
    ("held", "reach"),
    [
        (set(), Reach.NONE),
        ({"class:read"}, Reach.NONE),
        ({"student:import"}, Reach.NONE),
        ({"student:read_own"}, Reach.OWN),
        ({"student:read_taught"}, Reach.TAUGHT),
        ({"student:read"}, Reach.ALL),
        ({"student:read_own", "student:read_taught"}, Reach.TAUGHT),
        ({"student:read_own", "student:read_taught", "student:read"}, Reach.ALL),
    ],
)
def test_the_strongest_reach_wins(make_actor, held, reach):
    assert make_actor(permissions=frozenset(held)).reach("student") is reach


@pytest.mark.parametrize("permission", ["student:read", "student:read_taught"])
def test_school_wide_and_taught_reach_are_bound_to_the_tenant(make_actor, permission):
    actor = make_actor(permissions=frozenset({permission}))
    binding = actor.binding("student")
    assert (binding.tenant_id, binding.scope) == (actor.tenant_id, Scope.TENANT)


def test_own_reach_is_bound_to_the_person_and_their_pupils(make_actor):
    children = (new_id(), new_id())
    actor = make_actor("parent", student_ids=children)
    assert actor.binding("student") == Binding(actor.tenant_id, Scope.OWN, user_id=actor.user_id, student_ids=children)


def test_no_reach_is_forbidden(make_actor):
    with pytest.raises(Forbidden):
        make_actor("finance_staff").binding("schedule")


def test_a_platform_administrator_is_bound_to_the_school_acted_on(make_actor):
    school = new_id()
    actor = make_actor("super_admin", home_tenant_id=PLATFORM_TENANT_ID, tenant_id=school)
    assert actor.is_platform
    assert actor.binding("student").tenant_id == school
    assert actor.binding("student").scope is Scope.TENANT
    assert not make_actor("school_admin").is_platform


def test_ones_own_contact_is_always_readable(make_actor):
    teacher, principal = make_actor("teacher"), make_actor("principal")
    assert teacher.may_read_contact_of(teacher.user_id)
    assert not teacher.may_read_contact_of(principal.user_id)
    assert principal.may_read_contact_of(teacher.user_id)


def test_consumers_and_jobs_see_the_whole_tenant():
    tenant = new_id()
    assert system_binding(tenant) == Binding(tenant, Scope.SYSTEM)


def test_an_actor_cannot_be_changed(make_actor):
    with pytest.raises(AttributeError):
        make_actor().roles = ("super_admin",)
