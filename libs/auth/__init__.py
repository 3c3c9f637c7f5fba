"""Who asks and what they may: actors, the permission catalogue, access tokens, revocation."""

from libs.auth.actor import PUBLIC, Actor, Reach, system_binding
from libs.auth.errors import AuthError, TenantMismatch, TokenExpired, Unauthenticated, Unavailable
from libs.auth.permissions import CATALOGUE, CLIENT_SCOPES, PLATFORM_ONLY, SYSTEM_ROLES, SystemRole, permissions_of
from libs.auth.revocation import Revocations
from libs.auth.tokens import Claims, TokenIssuer, TokenVerifier, resolve_actor

__all__ = [
    "CATALOGUE",
    "CLIENT_SCOPES",
    "PLATFORM_ONLY",
    "PUBLIC",
    "SYSTEM_ROLES",
    "Actor",
    "AuthError",
    "Claims",
    "Reach",
    "Revocations",
    "SystemRole",
    "TenantMismatch",
    "TokenExpired",
    "TokenIssuer",
    "TokenVerifier",
    "Unauthenticated",
    "Unavailable",
    "permissions_of",
    "resolve_actor",
    "system_binding",
]
