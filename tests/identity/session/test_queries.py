"""What the aggregates share: ending many sessions at once."""

import pytest

from libs.auth import system_binding
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.session.queries import Access, end_sessions


async def test_all_sessions_of_an_account_end_but_one(
    *, login, renew, database, add_user, school, other_school, revocations, events
):
    person = await add_user(school, "teacher", email="a@x.test")
    await add_user(school, "teacher", email="b@x.test")
    first, second, kept = [await login(school, "a@x.test") for _ in range(3)]
    stranger = await login(school, "b@x.test")
    async with database.write(system_binding(other_school)) as tx:
        assert await end_sessions(tx, person.user_id, reason="STATUS", revocations=revocations) == []
    for ended in (2, 0):
        async with database.write(system_binding(school)) as tx:
            but = kept.actor.session_id
            gone = await end_sessions(tx, person.user_id, reason="STATUS", revocations=revocations, but=but)
        assert len(gone) == ended
    assert {row["data"]["reason"] for row in events("SessionRevoked")} == {"STATUS"}
    assert len(events("SessionRevoked")) == 2
    for access in (first, second):
        with pytest.raises(InvalidToken):
            await renew(access.refresh_token)
        assert access.actor.session_id in revocations._sessions
    for access in (kept, stranger):
        assert isinstance(await renew(access.refresh_token), Access)
