"""A new password in the place of an old one: whether it was had before, and what follows once it is set."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from libs.auth import Revocations
from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import PasswordChanged
from subgraphs.identity.audit.queries import Deed, Doer, record
from subgraphs.identity.credential.model import FormerPassword
from subgraphs.identity.credential.queries import PasswordHasher, password_policy
from subgraphs.identity.credential.rules import PasswordRule, WeakPassword
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, raise_versions


async def hashes_of(tx: ReadTransaction, user: User) -> list[str]:
    """The hashes of the passwords that may not come back: the one in use, and as many before it as the school says."""
    policy = await password_policy(tx)
    mine = (FormerPassword.tenant_id == tx.tenant_id, FormerPassword.user_id == user.id)
    latest = (FormerPassword.created_at.desc(), FormerPassword.id.desc())
    former = select(FormerPassword.password_hash).where(*mine).order_by(*latest).limit(policy.history - 1)
    return [each for each in (user.password_hash, *await tx.scalars(former)) if each is not None]


async def hash_unused(password: str, hashes: Sequence[str], hasher: PasswordHasher) -> str:
    """The hash of a password that is none of those; no connection may be held meanwhile. Raises WeakPassword."""
    for hashed in hashes:
        if await hasher.verify(password, hashed):
            raise WeakPassword(rules=[PasswordRule.REUSED])
    return await hasher.hash(password)


async def set_password(
    tx: TenantTransaction, user: User, password_hash: str, *, contact: Contact, doer: Doer, revocations: Revocations
) -> None:
    """Sets the password of a locked account and tells the person; `user.ver` is what tokens need from now on."""
    await _remember(tx, user)
    user.password_hash, user.must_change_password = password_hash, False
    await tx.flush()
    await raise_versions(tx, [user.id], revocations)
    await tx.session.refresh(user, ["ver"])
    personal = contact.personal(user.name)
    tx.emit(PasswordChanged(user_id=user.id, ver=user.ver, language=user.language, personal=personal))
    await record(tx, doer, Deed(action="user.password_changed", resource_type="user", resource_id=user.id))


async def _remember(tx: TenantTransaction, user: User) -> None:
    """Keeps the hash that is replaced, and no more of them than the school looks at."""
    if user.password_hash is None:
        return
    former = FormerPassword(
        tenant_id=tx.tenant_id, id=tx.new_id(), user_id=user.id, password_hash=user.password_hash, created_at=tx.now
    )
    tx.add(former)
    await tx.flush()
    mine = (FormerPassword.tenant_id == tx.tenant_id, FormerPassword.user_id == user.id)
    latest = (FormerPassword.created_at.desc(), FormerPassword.id.desc())
    kept = select(FormerPassword.id).where(*mine).order_by(*latest).limit((await password_policy(tx)).history - 1)
    await tx.execute(delete(FormerPassword).where(*mine, FormerPassword.id.not_in(kept)))
