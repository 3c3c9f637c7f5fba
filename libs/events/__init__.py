"""Events between the subgraphs: contracts, outbox, relay, consumers, dead letters, replay and snapshot."""

from libs.events.contracts import CONTRACTS, Event, PersonalPart

__all__ = ["CONTRACTS", "Event", "PersonalPart"]
