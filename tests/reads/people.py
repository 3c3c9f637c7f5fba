"""Who asks: in each school the same people, of every reach and of mixtures that no role has."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from libs.auth import Actor, permissions_of, system_binding
from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.kernel import utc_now
from libs.settings import Settings
from libs.testing import actor_of, owner_rows
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from tests.reads.world import SCHOOLS, tenant_of, uid

PEOPLE: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("principal", 'Dr. "Wati" 🌺', ("principal",), "+6281234567890"),
    ("teacher", "Rina Wati", ("teacher", "parent"), None),
    ("parent", "Siti \\'Aminah", ("parent",), "+6281234567891"),
    ("pupil", "Ayu Lestari", ("student",), None),
    ("finance", "Rina Wati", ("finance_staff",), "+6281234567892"),
    ("erased", "أبو بكر", ("parent",), "+6281234567893"),
    ("deleted", "Zaki", ("teacher",), None),
    ("roleless", "Ayu Lestari", (), None),
)
"""Account, name, roles, phone."""
USERS = tuple(name for name, *_ in PEOPLE)
_PUPILS = {"parent": (1, 2), "teacher": (5,), "pupil": (0,)}
_MIXTURES: dict[str, tuple[str, frozenset[str]]] = {
    # All classes, but of pupils only the own: the relation between them crosses a reach.
    "classes": ("parent", frozenset({"class:read", "student:read_own", "teacher:read", "user:read_own", "user:read"})),
    # All pupils, no class at all, contacts without names.
    "pupils": ("finance", frozenset({"student:read", "enrollment:read", "subject:read", "user:read_contact"})),
    # A non-null relation (Enrollment.class) to what may not be read; messages of all.
    "sittings": ("pupil", frozenset({"student:read_own", "enrollment:read", "schedule:read", "notification:read"})),
    "taught": ("teacher", frozenset({"class:read_taught", "student:read", "enrollment:read_own", "schedule:read_own"})),
    # Marks of own pupils alone, grades and cards of classes taught, on pupils of the whole school.
    "marks": (
        "teacher",
        frozenset(
            {
                "student:read",
                "attendance:read_own",
                "grade:read_taught",
                "assessment:read_own",
                "report_card:read_taught",
            }
        ),
    ),
    # Whoever applies, but nothing of the periods; and the periods without how many apply.
    "applicants": ("finance", frozenset({"application:read", "school_overview:read"})),
    "periods": ("finance", frozenset({"admission_period:read", "attendance:read", "grade:read", "student:read"})),
    "stranger": ("roleless", frozenset({"tenant:read", "school:read"})),
}
ROLES = ("principal", "teacher", "parent", "pupil", "finance", "platform", *_MIXTURES)


def person(school: str, name: str) -> Actor:
    """One of ROLES, in a school."""
    if name == "platform":
        user_id = uid("platform", "administrator")
        return actor_of("super_admin", tenant_of(school), user_id=user_id, acting_on=tenant_of(school))
    account, permissions = _MIXTURES.get(name, (name, frozenset()))
    roles = next(roles for known, _, roles, _ in PEOPLE if known == account)
    student_ids = tuple(uid(school, "student", at) for at in _PUPILS.get(account, ()))
    made = actor_of("parent", tenant_of(school), user_id=uid(school, f"user-{account}"), student_ids=student_ids)
    return replace(made, roles=roles, permissions=permissions or permissions_of(roles))


async def make_accounts(settings: Settings) -> None:
    """The accounts of both schools, by identity's own operations; one person's key is gone, one account is deleted."""
    database = Database(
        settings, "identity", on_flush=OutboxWriter("identity", KeyRing.from_settings(settings)), clock=utc_now
    )
    contacts = Contacts(settings)
    for school in SCHOOLS:
        async with database.write(system_binding(tenant_of(school))) as tx:
            accounts = _accounts(school)
            await create_accounts(tx, accounts, contacts=contacts, doer=NOBODY, since=tx.now.date() - timedelta(days=9))
        erased, deleted = uid(school, "user-erased"), uid(school, "user-deleted")
        owner_rows(settings, "identity", "delete from identity.data_keys where subject_id = %s", (erased,))
        owner_rows(settings, "identity", "update identity.users set deleted_at = now() where id = %s", (deleted,))
    await database.close()


def _accounts(school: str) -> Sequence[NewAccount]:
    def account(name: str, title: str, roles: tuple[str, ...], phone: str | None) -> NewAccount:
        return NewAccount(
            id=uid(school, f"user-{name}"),
            name=title,
            contact=Contact(f"{name}@{school}.example", phone),
            roles=[system_role(role) for role in roles],
            language="en" if phone is None else "id",
            password_hash="-" if name != "finance" else None,
        )

    return [account(*each) for each in PEOPLE]


def user_ids(school: str) -> list[UUID]:
    """The ids of its accounts."""
    return [uid(school, f"user-{name}") for name in USERS]


ASKING = tuple(
    (school, name)
    for name in ("principal", "teacher", *ROLES, "principal", "principal", "platform", "teacher", "parent")
    for school in (*SCHOOLS, SCHOOLS[0])
)
"""Who asks the documents: those who see more do so more often."""
