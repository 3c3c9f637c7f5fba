"""Inviting one person to an account."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.role.queries import find_roles, permissions_of
from subgraphs.identity.role.rules import check_grant
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from subgraphs.identity.user.rules import LANGUAGES, EmailTaken

_NO_ROLE = {"id": "Pilih sedikitnya satu peran.", "en": "Choose at least one role."}
_NO_LANGUAGE = {"id": "Bahasa harus id atau en.", "en": "The language must be id or en."}


async def invite_user(
    tx: TenantTransaction,
    *,
    actor: Actor,
    name: str,
    contact: Contact,
    roles: Sequence[str],
    language: str,
    today: date,
    contacts: Contacts,
    origin: Origin,
) -> UUID:
    """Makes an invited account and the invitation that leads to it; answers its id.

    Raises InvalidInput, NotFound for an unknown role, Forbidden for roles that permit what the actor may not, and
    EmailTaken.
    """
    faults = [] if roles else [FieldFault("input.roles", "REQUIRED", _NO_ROLE)]
    if language not in LANGUAGES:
        faults.append(FieldFault("input.language", "UNKNOWN_LANGUAGE", _NO_LANGUAGE))
    if faults:
        raise InvalidInput(faults)
    given = await find_roles(tx, roles)
    check_grant(actor.permissions, permissions_of(given))
    account = NewAccount(id=tx.new_id(), name=name, contact=contact, roles=given, language=language)
    async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
        await create_accounts(tx, [account], contacts=contacts, doer=Doer.of(actor, origin), since=today)
    return account.id
