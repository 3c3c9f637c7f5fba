"""What the clock does to registrations."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from libs.db import TenantTransaction
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.registration.queries import remove_registrations
from subgraphs.identity.registration.rules import Removal
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts

# As long as the school's own invitations live: whoever finds the mail after a holiday may still ask for another link.
# Not longer, since nobody has agreed to anything: name and address may be a stranger's words about somebody else.
KEPT_AFTER_LINK: Final = timedelta(days=7)


async def purge_registrations(tx: TenantTransaction, *, contacts: Contacts) -> None:
    """Deletes this tenant's registrations that nobody completed within a week after their last link became void.

    Invitations by the school stay. Runs before old tokens are forgotten: a registration is known by its token.
    """
    usable = select(OneTimeToken.id).where(
        OneTimeToken.tenant_id == User.tenant_id,
        OneTimeToken.user_id == User.id,
        OneTimeToken.purpose == TokenPurpose.REGISTRATION,
        OneTimeToken.expires_at > tx.now - KEPT_AFTER_LINK,
    )
    await remove_registrations(tx, ~usable.exists(), reason=Removal.NEVER_COMPLETED, contacts=contacts, doer=NOBODY)
