"""Ids, clock, tenancy and errors: what every room may use and what imports nothing of ours."""

from libs.kernel.clock import Clock, utc_now
from libs.kernel.errors import (
    Conflict,
    DomainError,
    FieldFault,
    Forbidden,
    InvalidInput,
    NotFound,
    Quota,
    QuotaExceeded,
)
from libs.kernel.ids import new_id
from libs.kernel.tenancy import PLATFORM_TENANT_ID, Binding, Scope

__all__ = [
    "PLATFORM_TENANT_ID",
    "Binding",
    "Clock",
    "Conflict",
    "DomainError",
    "FieldFault",
    "Forbidden",
    "InvalidInput",
    "NotFound",
    "Quota",
    "QuotaExceeded",
    "Scope",
    "new_id",
    "utc_now",
]
