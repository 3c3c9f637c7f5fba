"""Signing in and second factors, as tests of credentials use them."""

from tests.identity.credential.conftest import authenticator, login

__all__ = ["authenticator", "login"]
