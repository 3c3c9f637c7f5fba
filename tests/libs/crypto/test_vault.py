"""The vault over a real PostgreSQL: one key per person whoever asks first, and none once shredded."""

import asyncio
import base64
import os
from collections.abc import Callable

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from pydantic import SecretStr
from sqlalchemy import create_engine, event, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from libs.crypto import KeyRing, Undecipherable, Vault, create_data_keys, data_keys
from libs.db import Database, TableClass, bootstrap, subgraph_base
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings

TABLE = data_keys(subgraph_base("identity").metadata)
PLACE = {"table": "users", "column": "email", "row_id": new_id(), "tenant_id": new_id()}


@pytest.fixture(scope="module")
def vault_settings(engines) -> Settings:
    """A database with the roles and schemas, and `identity.data_keys` as a migration makes it."""
    settings = Settings(
        database_url=engines.database_url.rpartition("/")[0] + "/vault",
        database_admin_url=SecretStr(engines.database_admin_url.rpartition("/")[0] + "/vault"),
        key_encryption_keys={"1": base64.b64encode(os.urandom(32)).decode()},
    )
    bootstrap(settings)
    admin = settings.database_admin_url.get_secret_value().replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(admin, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("set role identity_owner"))
        with Operations.context(MigrationContext.configure(connection)):
            create_data_keys("identity")
    engine.dispose()
    return settings


@pytest.fixture
async def database(vault_settings):
    database = Database(vault_settings, "identity")
    yield database
    await database.close()


@pytest.fixture
def binding() -> Binding:
    return Binding(new_id(), Scope.TENANT)


@pytest.fixture
def make_vault(vault_settings) -> Callable[[], Vault]:
    """Each call is another process: nothing cached."""
    return lambda: Vault(KeyRing.from_settings(vault_settings), TABLE)


@pytest.fixture
def rows_of(vault_settings):
    """Every row of a tenant's vault, as the owner of the table sees it."""

    def rows(tenant_id) -> list[tuple]:
        with psycopg.connect(vault_settings.database_admin_url.get_secret_value()) as connection:
            connection.execute("set role identity_owner")
            return connection.execute(
                "select subject_kind, subject_id, wrapped from identity.data_keys where tenant_id = %s order by id",
                (tenant_id,),
            ).fetchall()

    return rows


@pytest.fixture
def statements(database):
    """The statements sent since, without those of the transaction itself."""
    sent = []

    def note(_connection, _cursor, statement, *_: object) -> None:
        if "data_keys" in statement:
            sent.append(statement.split()[0])

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    return sent


def same(one, other) -> bool:
    """Whether two data keys are one: what the first encrypts the second reads."""
    return other.decrypt(one.encrypt("sari", **PLACE), **PLACE) == "sari"


def test_the_table_is_of_class_vault_and_led_by_the_tenant():
    assert TABLE.info["class"] is TableClass.VAULT
    assert [column.name for column in TABLE.primary_key] == ["tenant_id", "id"]
    assert {constraint.name for constraint in TABLE.constraints} == {
        "pk_data_keys",
        "uq_data_keys_tenant_id_subject_kind_subject_id",
        "ck_data_keys_subject_kind",
        "ck_data_keys_tenant_subject",
    }


async def test_a_key_is_made_once_and_found_by_every_process(database, binding, make_vault, rows_of):
    person = new_id()
    async with database.write(binding) as tx:
        made = await make_vault().person_keys(tx, [person], create=True)
        again = await make_vault().person_keys(tx, [person], create=True)
    async with database.read(binding) as tx:
        found = await make_vault().person_keys(tx, [person])
    assert made.keys() == again.keys() == found.keys() == {person}
    assert made[person].id == again[person].id == found[person].id
    assert same(made[person], found[person])
    assert [row[:2] for row in rows_of(binding.tenant_id)] == [("tenant", binding.tenant_id), ("person", person)]


async def test_without_create_nobody_gets_a_key(database, binding, make_vault, rows_of):
    async with database.read(binding) as tx:
        assert await make_vault().person_keys(tx, [new_id()]) == {}
        assert await make_vault().person_keys(tx, []) == {}
    async with database.write(binding) as tx:
        assert await make_vault().person_keys(tx, [], create=True) == {}
    assert rows_of(binding.tenant_id) == []


async def test_people_with_and_without_a_key_together(database, binding, make_vault, statements):
    vault = make_vault()
    known, new = [new_id() for _ in range(3)], [new_id() for _ in range(5)]
    async with database.write(binding) as tx:
        before = await vault.person_keys(tx, known, create=True)
    async with database.write(binding) as tx:
        await vault.tenant_key(tx)
    statements.clear()
    async with database.write(binding) as tx:
        keys = await vault.person_keys(tx, [*known, *new, *new], create=True)
    assert keys.keys() == {*known, *new}
    assert {person: keys[person].id for person in known} == {person: key.id for person, key in before.items()}
    assert statements == ["SELECT", "INSERT"]
    statements.clear()
    async with database.read(binding) as tx:
        assert (await vault.person_keys(tx, keys)).keys() == keys.keys()
    assert statements == ["SELECT"]


async def test_ten_thousand_people_at_once(database, binding, make_vault, statements):
    people = [new_id() for _ in range(10_000)]
    async with database.write(binding) as tx:
        keys = await make_vault().person_keys(tx, people, create=True)
    assert len({key.id for key in keys.values()}) == 10_000
    assert statements.count("INSERT") == 2  # the tenant's and everybody's


async def test_two_writers_with_the_same_people_end_with_the_same_keys(database, binding, make_vault, rows_of):
    people = [new_id() for _ in range(50)]
    start = asyncio.Barrier(2)

    async def write(order):
        async with database.write(binding) as tx:
            await start.wait()
            return await make_vault().person_keys(tx, order, create=True)

    one, other = await asyncio.gather(write(people), write(people[::-1]))
    assert {person: key.id for person, key in one.items()} == {person: key.id for person, key in other.items()}
    assert all(same(one[person], other[person]) for person in people)
    assert len(rows_of(binding.tenant_id)) == 51


async def test_a_key_that_was_rolled_back_encrypts_for_nobody(database, binding, make_vault, rows_of):
    vault = make_vault()

    async def give_up() -> None:
        async with database.write(binding) as tx:
            await vault.tenant_key(tx)
            await vault.person_keys(tx, [new_id()], create=True)
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await give_up()
    assert rows_of(binding.tenant_id) == []
    person = new_id()
    async with database.write(binding) as tx:
        made = await vault.person_keys(tx, [person], create=True)
    async with database.read(binding) as tx:
        found = await make_vault().person_keys(tx, [person])
    assert same(made[person], found[person])


async def test_the_tenants_key_is_cached_once_committed(database, binding, make_vault, statements, monkeypatch):
    monkeypatch.setattr("libs.crypto.vault._CACHED_TENANT_KEYS", 1)
    vault, elsewhere = make_vault(), Binding(new_id(), Scope.TENANT)
    for bound in (binding, elsewhere):
        async with database.write(bound) as tx:
            await vault.tenant_key(tx)
    for bound, asked in ((binding, 1), (binding, 0), (elsewhere, 1), (binding, 1)):
        statements.clear()
        async with database.write(bound) as tx:
            await vault.tenant_key(tx)
        assert len(statements) == asked


async def test_shredding_takes_one_persons_key_for_good(database, binding, make_vault, rows_of):
    vault, erased, kept = make_vault(), new_id(), new_id()
    async with database.write(binding) as tx:
        keys = await vault.person_keys(tx, [erased, kept], create=True)
        sealed = keys[erased].encrypt("sari@gp.test", **PLACE)
    async with database.write(binding) as tx:
        await vault.shred(tx, erased)
        await vault.shred(tx, erased)
    async with database.write(binding) as tx:
        assert (await vault.person_keys(tx, [erased, kept])).keys() == {kept}
        anew = await vault.person_keys(tx, [erased], create=True)
    with pytest.raises(Undecipherable):
        anew[erased].decrypt(sealed, **PLACE)
    assert len(rows_of(binding.tenant_id)) == 3


async def test_another_tenant_sees_no_key_and_shreds_none(database, binding, make_vault, rows_of):
    person = new_id()
    async with database.write(binding) as tx:
        mine = await make_vault().person_keys(tx, [person], create=True)
    other = Binding(new_id(), Scope.TENANT)
    async with database.write(other) as tx:
        assert await make_vault().person_keys(tx, [person]) == {}
        await make_vault().shred(tx, person)
        theirs = await make_vault().person_keys(tx, [person], create=True)
    assert theirs[person].id != mine[person].id
    assert [row[:2] for row in rows_of(binding.tenant_id)] == [("tenant", binding.tenant_id), ("person", person)]
    assert [row[:2] for row in rows_of(other.tenant_id)] == [("tenant", other.tenant_id), ("person", person)]


async def test_a_stored_key_moved_to_another_person_does_not_open(database, binding, make_vault, vault_settings):
    one, other = new_id(), new_id()
    async with database.write(binding) as tx:
        await make_vault().person_keys(tx, [one, other], create=True)
    with psycopg.connect(vault_settings.database_admin_url.get_secret_value()) as connection:
        connection.execute("set role identity_owner")
        connection.execute(
            "update identity.data_keys set wrapped = (select wrapped from identity.data_keys where subject_id = %s)"
            " where subject_id = %s",
            (one, other),
        )
    async with database.read(binding) as tx:
        assert (await make_vault().person_keys(tx, [one])).keys() == {one}
        with pytest.raises(Undecipherable):
            await make_vault().person_keys(tx, [other])


async def test_without_the_tenants_key_its_people_stay_shut(database, binding, make_vault, vault_settings):
    person = new_id()
    async with database.write(binding) as tx:
        await make_vault().person_keys(tx, [person], create=True)
    with psycopg.connect(vault_settings.database_admin_url.get_secret_value()) as connection:
        connection.execute("set role identity_owner")
        connection.execute(
            "delete from identity.data_keys where tenant_id = %s and subject_kind = 'tenant'", (binding.tenant_id,)
        )
    async with database.read(binding) as tx:
        with pytest.raises(Undecipherable):
            await make_vault().person_keys(tx, [person])


async def test_after_a_rotation_old_tenants_open_with_the_old_version(database, binding, vault_settings):
    person = new_id()
    rotated = {**vault_settings.key_encryption_keys, "2": SecretStr(base64.b64encode(os.urandom(32)).decode())}
    before = Vault(KeyRing.from_settings(vault_settings), TABLE)
    after = Vault(KeyRing.from_settings(vault_settings.model_copy(update={"key_encryption_keys": rotated})), TABLE)
    async with database.write(binding) as tx:
        made = await before.person_keys(tx, [person], create=True)
    async with database.read(binding) as tx:
        found = await after.person_keys(tx, [person])
    assert same(made[person], found[person])


async def test_the_app_may_not_change_a_key(database, binding, make_vault):
    async def change() -> None:
        async with database.write(binding) as tx:
            await make_vault().tenant_key(tx)
            await tx.execute(update(TABLE).values(wrapped=b""))

    with pytest.raises(DBAPIError, match="permission denied"):
        await change()
