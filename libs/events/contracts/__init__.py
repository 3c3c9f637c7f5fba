"""The contracts: every event another domain may rely on, by type name."""

from libs.events.contracts import academic, identity, notification
from libs.events.contracts.event import PERSONAL_FIELDS, Event, PersonalPart

CONTRACTS: tuple[type[Event], ...] = (*identity.EVENTS, *academic.EVENTS, *notification.EVENTS)

__all__ = ["CONTRACTS", "PERSONAL_FIELDS", "Event", "PersonalPart"]
