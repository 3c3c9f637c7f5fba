"""What everybody may change of the own account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libs.db import TenantTransaction
from libs.kernel import Forbidden
from subgraphs.identity.account.operations.change import Change
from subgraphs.identity.account.operations.update_user import apply_changes
from subgraphs.identity.user.queries import lock_account


async def update_my_profile(tx: TenantTransaction, *, changes: Mapping[str, Any], change: Change) -> UUID:
    """Changes the actor's phone and language, those that `changes` holds; names are the school's to change.

    Raises InvalidInput, NotFound, and Forbidden for the platform's administrator in a school: the account is at home.
    """
    if change.actor.home_tenant_id != tx.tenant_id:
        raise Forbidden
    user = await lock_account(tx, change.actor.user_id)
    await apply_changes(tx, user, changes, change)
    return user.id
