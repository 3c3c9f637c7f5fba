"""Identities: UUIDv7, so that rows made together lie together in every index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identity, greater than every one made before it in this process."""
    return uuid7()
