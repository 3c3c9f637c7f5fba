"""A second factor switched off by somebody of the school, for a person who lost phone and recovery codes."""

from datetime import date
from uuid import UUID

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from subgraphs.identity.account.rules import OwnAccount
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.role.queries import check_reach
from subgraphs.identity.second_factor.queries import second_factors_of, take_off, tell_change
from subgraphs.identity.second_factor.rules import FactorChange, NoSecondFactor
from subgraphs.identity.session.queries import end_sessions
from subgraphs.identity.user.queries import Contacts, lock_account, raise_versions


async def reset_second_factor(
    tx: TenantTransaction,
    *,
    user_id: UUID,
    actor: Actor,
    today: date,
    contacts: Contacts,
    origin: Origin,
    revocations: Revocations,
) -> None:
    """Takes the second factor from an account with its recovery codes, voids its tokens, ends its sessions.

    Where a role needs one, the next sign-in leads to a new one. Raises OwnAccount: who has it in hand shows it to
    `disable_totp`; NotFound; Forbidden for an account that may do what the actor may not; and NoSecondFactor.
    """
    if user_id == actor.user_id:
        raise OwnAccount
    user = await lock_account(tx, user_id)
    await check_reach(tx, actor, user.id, today)
    if not await second_factors_of(tx, [user.id]):
        raise NoSecondFactor
    await take_off(tx, user.id)
    await raise_versions(tx, [user.id], revocations)
    await end_sessions(tx, user.id, reason="REVOKED", revocations=revocations)
    await tell_change(tx, user, FactorChange.RESET, doer=Doer.of(actor, origin), contacts=contacts)
