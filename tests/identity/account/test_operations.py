"""What becomes of an account: changed, kept out, deleted and taken back, by whom, and when two meet."""

import asyncio

import pytest

from libs.auth import system_binding
from libs.crypto import KeyRing
from libs.events.contracts.identity import EmailVerificationRequested
from libs.events.sealing import unseal_event
from libs.kernel import Conflict, Forbidden, InvalidInput, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.account.rules import OwnAccount
from subgraphs.identity.credential.queries import issue_token
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.role.rules import LastAdministrator
from subgraphs.identity.user.rules import EmailTaken
from tests.identity.conftest import PASSWORD

LIVING = "select purpose from identity.one_time_tokens where used_at is null and expires_at > now()"


@pytest.fixture
def verifications(events, settings):
    """The EmailVerificationRequested events in clear."""

    def opened():
        ring, rows = KeyRing.from_settings(settings), events("EmailVerificationRequested")
        return [unseal_event(ring, row["tenant_id"], EmailVerificationRequested, row["data"]) for row in rows]

    return opened


async def test_a_first_password_makes_an_active_account_that_must_change_it(*, create, school, row_of, events, audited):
    row = row_of(await create())
    assert (row["tenant_id"], row["status"], row["must_change_password"]) == (school, "ACTIVE", True)
    assert (row["password_hash"], row["email_verified_at"]) == ("-", None)
    assert [event["data"]["status"] for event in events("UserCreated")] == ["ACTIVE"]
    assert (events("UserInvited"), len(events("EmailVerificationRequested"))) == ([], 1)
    assert audited(school) == ["user.created"]


async def test_of_two_who_create_one_address_one_wins(create, as_owner, events):
    answers = await asyncio.gather(*(create(email) for email in ("A@x.test", "a@X.test")), return_exceptions=True)
    assert sum(isinstance(answer, EmailTaken) for answer in answers) == 1
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 1}]
    assert len(events("UserCreated")) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [({"roles": []}, InvalidInput), ({"language": "fr"}, InvalidInput), ({"roles": ["wizard"]}, NotFound)],
)
async def test_what_cannot_be_created(create, as_owner, change, error):
    with pytest.raises(error):
        await create(**change)
    assert as_owner("identity", "select * from identity.users") == []


async def test_nobody_creates_who_may_do_more(create, limited):
    with pytest.raises(Forbidden):
        await create(roles=["school_admin"], actor=limited)


async def test_what_an_edit_holds_changes_and_nothing_else(
    *, add_user, update, row_of, contacts, database, school, events
):
    user = (await add_user(school, "teacher", name="Siti Rahma", email="siti@x.test")).user_id
    before = row_of(user)
    await update(user, name="Siti Nurhaliza", phone=None)
    after = row_of(user)
    kept = ("email_blind", "language", "status", "password_hash", "ver", "email_verified_at")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert (after["name"], after["phone"], after["phone_blind"]) == ("Siti Nurhaliza", None, None)
    assert after["version"] == before["version"] + 1
    async with database.read(system_binding(school)) as tx:
        revealed = await contacts.reveal(tx, [type("Row", (), after | {"phone": None})])
    assert revealed[user].email == "siti@x.test"
    assert len(events("UserUpdated")) == 1
    assert events("EmailVerificationRequested") == []


async def test_a_new_name_is_found_by_its_words(add_user, update, as_owner, school):
    user = (await add_user(school, "teacher", name="Siti Rahma")).user_id
    await update(user, name="Dewi Rahma")
    words = as_owner("identity", "select token from identity.user_names order by 1")
    assert [row["token"] for row in words] == ["dewi", "rahma"]


async def test_an_edit_that_changes_nothing_is_told_to_nobody(add_user, update, row_of, school, events):
    user = (await add_user(school, "teacher", name="Siti Rahma", email="siti@x.test")).user_id
    await update(user, name="Siti Rahma", email="siti@x.test", language="id")
    assert row_of(user)["version"] == 1
    assert events("UserUpdated") == []


async def test_a_changed_address_is_unverified_and_asked_for(
    *, add_user, update, database, as_owner, school, verifications, row_of, audited
):
    user = (await add_user(school, "teacher", email="lama@x.test")).user_id
    as_owner("identity", "update identity.users set email_verified_at = now() returning id")
    async with database.write(system_binding(school)) as tx:
        await issue_token(tx, user, TokenPurpose.PASSWORD_RESET)
    await update(user, email="baru@x.test")
    assert row_of(user)["email_verified_at"] is None
    (asked,) = verifications()
    assert (asked.user_id, asked.personal["email"]) == (user, "baru@x.test")
    # What was mailed to the old address opens nothing any more.
    assert as_owner("identity", LIVING) == [{"purpose": "VERIFICATION"}]
    assert "baru@x.test" not in str(as_owner("identity", "select * from identity.audit_logs"))
    assert audited(school)[-1] == "user.updated"


async def test_another_case_is_the_same_address(add_user, update, verifications, school):
    user = (await add_user(school, "teacher", email="lama@x.test")).user_id
    await update(user, email="Lama@X.test")
    assert verifications() == []


async def test_who_is_invited_is_invited_at_the_new_address(invite, update, school, invitations, as_owner):
    user = await invite(school, "salah@x.test")
    await update(user, email="benar@x.test")
    first, second = invitations()
    assert second.personal["email"] == "benar@x.test"
    assert second.secret["token"] != first.secret["token"]
    assert as_owner("identity", LIVING) == [{"purpose": "INVITATION"}]


async def test_nobody_moves_their_own_address(add_user, update, row_of, school):
    admin = await add_user(school, "school_admin")
    before = row_of(admin.user_id)
    with pytest.raises(OwnAccount):
        await update(admin.user_id, email="lain@x.test", actor=admin)
    await update(admin.user_id, name="Nama Lain", actor=admin)
    assert row_of(admin.user_id)["email"] == before["email"]


async def test_an_address_of_somebody_else_is_taken(*, add_user, update, row_of, school, other_school):
    user = (await add_user(school, "teacher", email="satu@x.test")).user_id
    await add_user(school, "teacher", email="dua@x.test")
    await add_user(other_school, "teacher", email="tiga@x.test")
    with pytest.raises(EmailTaken):
        await update(user, email="DUA@x.test", name="Lain")
    assert row_of(user)["name"] == "Siti Rahma"
    await update(user, email="tiga@x.test")


async def test_of_two_edits_of_one_version_one_wins(add_user, update, row_of, school):
    user = (await add_user(school, "teacher")).user_id
    answers = await asyncio.gather(
        *(update(user, version=1, name=f"Nama {each}") for each in "AB"), return_exceptions=True
    )
    (conflict,) = [answer for answer in answers if isinstance(answer, Conflict)]
    assert conflict.data == {"current_version": 2}
    assert row_of(user)["version"] == 2


@pytest.mark.parametrize("changes", [{}, {"name": None}, {"email": None}, {"language": None}, {"language": "fr"}])
async def test_what_nobody_can_be_without(add_user, update, school, changes):
    user = (await add_user(school, "teacher")).user_id
    with pytest.raises(InvalidInput):
        await update(user, **changes)


async def test_a_deletion_against_an_edit(*, add_user, update, do, row_of, school, events):
    user = (await add_user(school, "teacher")).user_id
    edit, deletion = await asyncio.gather(
        update(user, name="Nama Baru"), do("delete_user", user_id=user), return_exceptions=True
    )
    assert deletion == user
    assert edit == user or isinstance(edit, NotFound)
    assert row_of(user)["deleted_at"] is not None
    assert len(events("UserUpdated")) == (edit == user)


async def test_a_deletion_ends_everything_and_frees_the_address(
    *, add_user, do, database, school, as_owner, row_of, events, revocations, audited
):
    user = (await add_user(school, "teacher", email="guru@x.test")).user_id
    await _session(as_owner, school, user)
    async with database.write(system_binding(school)) as tx:
        await issue_token(tx, user, TokenPurpose.PASSWORD_RESET)
    await do("delete_user", user_id=user)
    assert (row_of(user)["ver"], row_of(user)["version"]) == (2, 2)
    assert revocations._versions[user][0] == 2
    assert as_owner("identity", "select end_reason from identity.sessions") == [{"end_reason": "STATUS"}]
    assert as_owner("identity", LIVING) == []
    assert len(events("UserDeleted")) == len(events("SessionRevoked")) == 1
    assert audited(school)[-1] == "user.deleted"
    with pytest.raises(NotFound):
        await do("delete_user", user_id=user)
    await add_user(school, "parent", email="guru@x.test")
    with pytest.raises(EmailTaken):
        await do("restore_user", user_id=user)


async def _session(as_owner, tenant_id, user_id):
    as_owner(
        "identity",
        """insert into identity.sessions (tenant_id, id, user_id, refresh_hash, last_used_at, expires_at)
        values (%s, %s, %s, %s, now(), now() + interval '1 day') returning id""",
        (tenant_id, new_id(), user_id, new_id().bytes),
    )


async def test_a_restored_account_is_as_it_was(*, add_user, do, row_of, school, events, audited):
    user = (await add_user(school, "teacher")).user_id
    await do("delete_user", user_id=user)
    await do("restore_user", user_id=user)
    assert (row_of(user)["deleted_at"], row_of(user)["status"]) == (None, "ACTIVE")
    (restored,) = events("UserRestored")
    assert restored["data"]["roles"] == ["teacher"]
    assert audited(school)[-2:] == ["user.deleted", "user.restored"]
    with pytest.raises(NotFound):
        await do("restore_user", user_id=user)


async def test_who_never_had_a_password_is_invited_again(invite, do, row_of, school, invitations):
    user = await invite(school)
    await do("delete_user", user_id=user)
    await do("restore_user", user_id=user)
    await do("deactivate_user", user_id=user)
    assert row_of(user)["status"] == "INACTIVE"
    await do("activate_user", user_id=user)
    assert row_of(user)["status"] == "INVITED"
    assert len({invited.secret["token"] for invited in invitations()}) == 3


async def test_who_is_kept_out_is_out_until_let_in(*, add_user, do, row_of, as_owner, school, events, audited):
    user = (await add_user(school, "teacher")).user_id
    await _session(as_owner, school, user)
    for _ in range(2):
        await do("deactivate_user", user_id=user)
    assert (row_of(user)["status"], row_of(user)["ver"]) == ("INACTIVE", 2)
    assert as_owner("identity", "select end_reason from identity.sessions") == [{"end_reason": "STATUS"}]
    for _ in range(2):
        await do("activate_user", user_id=user)
    assert (row_of(user)["status"], row_of(user)["ver"]) == ("ACTIVE", 3)
    assert len(events("UserDeactivated")) == len(events("UserActivated")) == 1
    assert audited(school)[1:] == ["user.deactivated", "user.activated"]


@pytest.mark.parametrize("name", ["delete_user", "deactivate_user"])
async def test_nobody_takes_themselves_out_nor_the_last_administrator(
    *, name, add_user, do, row_of, school, other_school
):
    admin = await add_user(school, "school_admin")
    await add_user(other_school, "school_admin")
    with pytest.raises(OwnAccount):
        await do(name, user_id=admin.user_id, actor=admin)
    with pytest.raises(LastAdministrator):
        await do(name, user_id=admin.user_id)
    assert (row_of(admin.user_id)["deleted_at"], row_of(admin.user_id)["status"]) == (None, "ACTIVE")
    await add_user(school, "school_admin")
    await do(name, user_id=admin.user_id)


async def test_of_two_administrators_who_take_each_other_out_one_stays(*, add_user, do, school, as_owner):
    one, two = [await add_user(school, "school_admin") for _ in range(2)]
    answers = await asyncio.gather(
        do("delete_user", user_id=one.user_id, actor=two),
        do("deactivate_user", user_id=two.user_id, actor=one),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, LastAdministrator) for answer in answers) == 1
    living = "select count(*) as n from identity.users where deleted_at is null and status = 'ACTIVE'"
    assert as_owner("identity", living) == [{"n": 1}]


@pytest.mark.parametrize("name", ["update_user", "delete_user", "restore_user", "activate_user", "deactivate_user"])
async def test_nobody_changes_who_may_do_more_and_nobody_elsewhere(
    *, name, add_user, do, row_of, school, other_school, limited
):
    admin, stranger = await add_user(school, "school_admin"), await add_user(other_school, "teacher")
    await add_user(school, "school_admin")
    further = {"changes": {"name": "Lain"}, "expected_version": None} if name == "update_user" else {}
    if name == "restore_user":
        await do("delete_user", user_id=admin.user_id)
    before = row_of(admin.user_id), row_of(stranger.user_id)
    with pytest.raises(Forbidden):
        await do(name, user_id=admin.user_id, actor=limited, **further)
    for nobody in (stranger.user_id, new_id()):
        with pytest.raises(NotFound):
            await do(name, user_id=nobody, **further)
    assert (row_of(admin.user_id), row_of(stranger.user_id)) == before


async def test_a_role_that_begins_later_counts_too(add_user, update, as_owner, school, limited):
    user = (await add_user(school, "teacher")).user_id
    as_owner(
        "identity",
        """insert into identity.user_roles (tenant_id, id, user_id, system_role, valid_from)
        values (%s, %s, %s, 'school_admin', current_date + 30) returning id""",
        (school, new_id(), user),
    )
    with pytest.raises(Forbidden):
        await update(user, email="saya@x.test", actor=limited)


async def test_people_change_their_own_phone_and_language(add_user, do, row_of, school, other_school):
    parent = await add_user(school, "parent")
    await do("update_my_profile", actor=parent, changes={"phone": None, "language": "en"})
    assert (row_of(parent.user_id)["phone"], row_of(parent.user_id)["language"]) == (None, "en")
    visiting = actor_of("super_admin", school, acting_on=school)
    with pytest.raises(Forbidden):
        await do("update_my_profile", actor=visiting, changes={"language": "en"})
    with pytest.raises(NotFound):
        await do("update_my_profile", actor=actor_of("parent", school), changes={"language": "en"})
    assert PASSWORD not in str(row_of(parent.user_id))
