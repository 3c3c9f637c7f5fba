"""Loading accounts from a file, as long work: all rows or none, matched by address; nobody hashes anything."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, any_, bindparam, select, text

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.files import Uploads
from libs.jobs import JobQueue, RunningJob
from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.registration.queries import make_way
from subgraphs.identity.role.queries import RoleState, all_roles
from subgraphs.identity.role.rules import covers
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from subgraphs.identity.user_import.imports import UserRow, fault, parse_users

IMPORT_USERS: Final = "IMPORT_USERS"
# Imports of a school wait for each other: two that see the same addresses free would meet at the constraint.
_ONE_AFTER_ANOTHER: Final = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def request_import(
    tx: TenantTransaction,
    *,
    actor: Actor,
    origin: Origin,
    queue: JobQueue,
    uploads: Uploads,
    file: tuple[str | None, UUID | None],
    role: str | None,
    dry_run: bool,
) -> UUID:
    """Queues the import of a file (its text, or the id of an upload), which lies sealed; answers the job's id.

    What the actor holds now decides which roles the file may give. Raises NotFound for an unknown upload, InvalidInput
    without a file.
    """
    taken = await uploads.take(tx, text=file[0], file_id=file[1], keep=dry_run)
    payload = {"role": role, "dry_run": dry_run, "held": sorted(actor.permissions), "home": str(actor.home_tenant_id)}
    job_id = await queue.enqueue(tx, IMPORT_USERS, {**payload, **taken}, created_by=actor.user_id)
    deed = Deed(
        action="user.import_requested", resource_type="job", resource_id=job_id, new_values={"dry_run": dry_run}
    )
    await record(tx, Doer.of(actor, origin), deed)
    return job_id


async def carry_out_import(
    tx: TenantTransaction, job: RunningJob, *, contacts: Contacts, uploads: Uploads
) -> Sequence[FieldFault]:
    """The job itself. A dry run answers every fault as its report and writes nothing; otherwise they are why it failed.

    An address that has an account already is left as it is, so that running a file again changes nothing. Raises
    InvalidInput.
    """
    payload = job.payload
    await tx.execute(_ONE_AFTER_ANOTHER, {"name": f"import users {tx.tenant_id}"})
    rows, faults = parse_users(await uploads.open(tx, payload), payload["role"])
    await job.progress(0, len(rows))
    roles = {role.name: role for role in await all_roles(tx)}
    faults = [*faults, *_role_faults(rows, roles, frozenset(payload["held"]))]
    by_address = {row: contacts.blind(tx.tenant_id, row.email) for row in rows}
    faults = sorted([*faults, *_repeated(by_address)], key=lambda each: (_line(each), each.path))
    if payload["dry_run"]:
        return faults
    if faults:
        raise InvalidInput(faults)
    doer = Doer(job.created_by, UUID(payload["home"]))
    await make_way(tx, list(by_address.values()), contacts=contacts, doer=doer)
    known = await _known(tx, list(by_address.values()))
    new = [row for row, blind in by_address.items() if blind not in known]
    if new:
        await _create(tx, new, roles, contacts=contacts, doer=doer)
    await uploads.discard(tx, payload)
    await job.progress(len(rows), len(rows))
    return []


def _role_faults(rows: Sequence[UserRow], roles: dict[str, RoleState], held: frozenset[str]) -> Iterator[FieldFault]:
    """Roles that the school does not have, and those that permit what the actor may not."""
    beyond = {name for name, role in roles.items() if not all(covers(held, each) for each in role.permissions)}
    for row in rows:
        for name in row.roles:
            if name not in roles:
                yield fault(row.line, "roles", "NOT_FOUND", name)
            elif name in beyond:
                yield fault(row.line, "roles", "FORBIDDEN", name)


def _repeated(by_address: dict[UserRow, bytes]) -> Iterator[FieldFault]:
    seen: set[bytes] = set()
    for row, blind in by_address.items():
        if blind in seen:
            yield fault(row.line, "email", "DUPLICATE", row.email)
        seen.add(blind)


def _line(each: FieldFault) -> int:
    """The line in `input.file.text[12].email`."""
    line = each.path.partition("[")[2].partition("]")[0]
    return int(line) if line else 0


async def _known(tx: TenantTransaction, blinds: list[bytes]) -> set[bytes]:
    wanted = any_(bindparam("blinds", blinds, ARRAY(LargeBinary)))
    living = (User.tenant_id == tx.tenant_id, User.deleted_at.is_(None))
    return set(await tx.scalars(select(User.email_blind).where(*living, User.email_blind == wanted)))


async def _create(
    tx: TenantTransaction, rows: Sequence[UserRow], roles: dict[str, RoleState], *, contacts: Contacts, doer: Doer
) -> None:
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    assert tenant is not None  # whose job it is
    accounts = [
        NewAccount(
            id=tx.new_id(),
            name=row.name,
            contact=Contact(row.email, row.phone),
            roles=[roles[name] for name in row.roles],
            language=row.language,
        )
        for row in rows
    ]
    taken = InvalidInput([fault(1, "email", "TAKEN")])
    async with tx.rejecting({"uq_users_tenant_id_email_blind": lambda: taken}):
        since = today_in(tenant.timezone, tx.now)
        await create_accounts(tx, accounts, contacts=contacts, doer=doer, since=since)
