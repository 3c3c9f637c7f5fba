"""Refusals at the door: top-level errors of the graph, with the code that clients see in `extensions.code`."""

from typing import ClassVar


class AuthError(Exception):
    """Base of the refusals below. `code` is for programs and never changes; the message never repeats the token."""

    code: ClassVar[str]


class Unauthenticated(AuthError):
    """No token, or one that proves nothing: forged, malformed, for somebody else, or revoked."""

    code = "UNAUTHENTICATED"


class TokenExpired(AuthError):
    """A token of ours whose time is over: the client renews it and asks again."""

    code = "TOKEN_EXPIRED"


class TenantMismatch(AuthError):
    """`X-Tenant-Id` names another school than the token does."""

    code = "TENANT_MISMATCH"


class Unavailable(AuthError):
    """Nobody can say right now whether the token holds; the client tries again later."""

    code = "UNAVAILABLE"
