"""The contracts: every event another domain may rely on, by type name."""

from libs.events.contracts import academic, admission, finance, identity, notification, operations
from libs.events.contracts.event import PERSONAL_FIELDS, Event, PersonalPart

CONTRACTS: tuple[type[Event], ...] = tuple(
    event for domain in (identity, academic, operations, admission, finance, notification) for event in domain.EVENTS
)

__all__ = ["CONTRACTS", "PERSONAL_FIELDS", "Event", "PersonalPart"]
