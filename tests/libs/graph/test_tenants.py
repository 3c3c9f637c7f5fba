"""What a process knows of schools: told of all by one statement, never older than four seconds."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from libs.db import Database
from libs.graph import tenants
from libs.graph.tenants import TenantDirectory
from libs.settings import Settings
from libs.testing.plugin import OwnerRows
from subgraphs.academic.app import open_database
from subgraphs.academic.model import Tenant
from tests.libs.graph.test_outages import END_CONNECTIONS, as_superuser

SUSPEND = "update academic.tenants set status = 'SUSPENDED', updated_at = now() where id = %s"


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(settings)
    yield opened
    await opened.close()


async def states(directory: TenantDirectory, *schools: UUID) -> list[str | None]:
    known = [await directory.get(school) for school in schools]
    return [state and state.status for state in known]


async def test_a_poll_tells_what_changed_and_keeps_all_others_fresh(
    database: Database, school: UUID, other_school: UUID, as_owner: OwnerRows, monkeypatch: pytest.MonkeyPatch
):
    directory = TenantDirectory(database, Tenant.__table__)
    assert await states(directory, school, other_school) == ["ACTIVE", "ACTIVE"]
    as_owner("academic", SUSPEND, (school,))
    assert await states(directory, school, other_school) == ["ACTIVE", "ACTIVE"]
    await directory.poll()
    now = tenants.time.monotonic() + 3.9
    monkeypatch.setattr(tenants.time, "monotonic", lambda: now)
    monkeypatch.setattr(database, "fetch", None)  # known of both: nothing is asked
    assert await states(directory, school, other_school) == ["SUSPENDED", "ACTIVE"]


async def test_without_polls_a_school_is_read_anew_after_four_seconds(
    database: Database, school: UUID, as_owner: OwnerRows, monkeypatch: pytest.MonkeyPatch
):
    directory = TenantDirectory(database, Tenant.__table__)
    assert await states(directory, school) == ["ACTIVE"]
    as_owner("academic", SUSPEND, (school,))
    later = tenants.time.monotonic() + 4.1
    monkeypatch.setattr(tenants.time, "monotonic", lambda: later)
    assert await states(directory, school) == ["SUSPENDED"]


async def test_a_change_that_a_failed_poll_missed_is_told_by_the_next(
    settings: Settings, database: Database, school: UUID, as_owner: OwnerRows
):
    directory = TenantDirectory(database, Tenant.__table__)
    assert await states(directory, school) == ["ACTIVE"]
    as_owner("academic", SUSPEND, (school,))
    as_owner("academic", "update academic.tenants set updated_at = now() - interval '90 seconds'")
    directory._polled_at -= 120
    as_superuser(settings, END_CONNECTIONS)
    await directory.poll()
    assert await states(directory, school) == ["SUSPENDED"]


async def test_a_school_that_nobody_has_heard_of_is_known_once_it_is(
    database: Database, school: UUID, as_owner: OwnerRows
):
    directory, other = TenantDirectory(database, Tenant.__table__), uuid4()
    assert await states(directory, other) == [None]
    as_owner("academic", "update academic.tenants set tenant_id = %s, id = %s, updated_at = now()", (other, other))
    await directory.poll()
    assert await states(directory, other) == ["ACTIVE"]
