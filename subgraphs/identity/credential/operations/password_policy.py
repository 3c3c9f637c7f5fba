"""What a school demands of passwords: said by the school, shown to everybody, and how a password stands to it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from zxcvbn import matching, scoring, time_estimates  # type: ignore[import-untyped]

from libs.auth import Actor, system_binding
from libs.db import Database, TenantTransaction
from libs.events.contracts.identity import PasswordPolicyConfigured
from libs.kernel import InvalidInput, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import COMMON, password_policy
from subgraphs.identity.credential.rules import PasswordPolicy, PasswordRule, broken_rules, policy_faults
from subgraphs.identity.role.queries import find_roles
from subgraphs.identity.tenant.model import Tenant

_LONGEST_SCORED: Final = 64  # characters; what zxcvbn takes grows with their square
_LONGEST_JUDGED: Final = 1_000
_LONGEST_ABOUT: Final = 254  # of a name or an address; anybody may ask, and every word of it is compared


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a password is: zxcvbn's score, 0 to 4, and the rules it breaks."""

    score: int
    rules: list[PasswordRule]


async def configure_password_policy(
    tx: TenantTransaction, *, actor: Actor, policy: PasswordPolicy, origin: Origin
) -> None:
    """Says what the actor's school demands from now on; passwords that are set already stay good.

    Whoever holds a role that needs a second factor and has none is told so by the next token, within a quarter of an
    hour. Runs in the platform's tenant: no school writes the register. Raises InvalidInput, and NotFound for an unknown
    role.
    """
    if faults := list(policy_faults(policy)):
        raise InvalidInput(faults)
    async with tx.acting_in(actor.tenant_id):
        await find_roles(tx, policy.second_factor_roles)
    tenant = await tx.scalar(select(Tenant).where(Tenant.id == actor.tenant_id).with_for_update())
    if tenant is None:
        raise NotFound
    before, after = tenant.password_policy, _stored(policy)
    tenant.password_policy = after
    await tx.flush()
    deed = Deed(
        action="password_policy.configured",
        resource_type="tenant",
        resource_id=tenant.id,
        old_values=before,
        new_values=after,
    )
    async with tx.acting_in(actor.tenant_id):
        tx.emit(PasswordPolicyConfigured(tenant_id=actor.tenant_id, kind=policy.kind, min_length=policy.min_length))
        await record(tx, Doer.of(actor, origin), deed)


async def read_password_policy(database: Database, tenant_id: UUID) -> PasswordPolicy:
    """What that school demands of passwords."""
    async with database.read(system_binding(tenant_id)) as tx:
        return await password_policy(tx)


async def password_strength(database: Database, tenant_id: UUID, *, password: str, email: str, name: str) -> Strength:
    """How a password stands to what that school demands, for a person of that name and address.

    Of what is longer than any of the three can be, the beginning counts: whoever asks may be a stranger.
    """
    policy = await read_password_policy(database, tenant_id)
    cut, name, email = password[:_LONGEST_JUDGED], name[:_LONGEST_ABOUT], email[:_LONGEST_ABOUT]
    rules = broken_rules(cut, name=name, email=email, policy=policy, common=COMMON)
    return Strength(await asyncio.to_thread(_score, cut[:_LONGEST_SCORED], (name, email)), rules)


def _score(password: str, about: tuple[str, ...]) -> int:
    """zxcvbn's own function would keep the person's words in a module, where others' passwords meet them."""
    if not password:
        return 0
    words = [word for text in about for word in (text.lower(), *text.lower().replace("@", " ").split())]
    known = matching.RANKED_DICTIONARIES | {"user_inputs": matching.build_ranked_dict(words)}
    found = scoring.most_guessable_match_sequence(password, matching.omnimatch(password, known))
    return int(time_estimates.guesses_to_score(found["guesses"]))


def _stored(policy: PasswordPolicy) -> dict[str, Any]:
    return {
        "kind": policy.kind.value,
        "min_length": policy.min_length,
        "history": policy.history,
        "second_factor_roles": list(policy.second_factor_roles),
    }
