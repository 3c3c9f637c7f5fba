"""What tests of registration share: a school that lets people register, and the tokens that were mailed."""

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import EmailVerificationRequested
from libs.events.sealing import unseal_event
from subgraphs.identity.credential import queries


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Answers need not be even where nobody measures them."""
    monkeypatch.setattr(queries, "_EVEN_SECONDS", 0.0)


@pytest.fixture
def open_school(school, as_owner):
    as_owner(
        "identity", "update identity.tenants set registration_role = 'parent' where id = %s returning id", (school,)
    )
    return school


@pytest.fixture
def verifications(events, settings):
    """The EmailVerificationRequested events in clear."""

    def opened():
        ring, rows = KeyRing.from_settings(settings), events("EmailVerificationRequested")
        return [unseal_event(ring, row["tenant_id"], EmailVerificationRequested, row["data"]) for row in rows]

    return opened
