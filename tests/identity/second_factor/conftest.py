"""Second factors, as tests of credentials set them up."""

from tests.identity.credential.conftest import authenticator

__all__ = ["authenticator"]
