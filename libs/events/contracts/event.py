"""What an event is: a fact of one aggregate, carrying the aggregate's full state as far as other domains need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

PERSONAL_FIELDS = frozenset({"name", "email", "phone", "birth_date"})
"""The only personal data that may leave a subgraph. NIK, health and bank data never do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalPart:
    """What an event says about one person; `personal` and `secret` are sealed before they reach the outbox.

    `personal` holds `PERSONAL_FIELDS` as text (birth_date in ISO form), `secret` one-time tokens for mails. A value
    nobody knows is left out. Consumers get both in clear. `person` names the field with the id of the person, whose
    data key seals them.

    Raises ValueError for personal data that may not travel, or that belongs to nobody.
    """

    person: ClassVar[str | None] = None

    personal: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.personal and not self.secret:
            return
        if self.person is None:
            raise ValueError(f"{type(self).__name__} is about no person and carries no personal data")
        if forbidden := self.personal.keys() - PERSONAL_FIELDS:
            raise ValueError(f"{type(self).__name__}.personal may not carry {', '.join(sorted(forbidden))}")

    @property
    def person_id(self) -> UUID | None:
        """The person whose data key seals this part; None where there is nothing to seal."""
        if self.person is None:
            return None
        value: UUID = getattr(self, self.person)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(PersonalPart):
    """The base of every contract. `aggregate_key` names the field with the aggregate's id.

    A change that old consumers could misread is a new `version`, published beside the old one.
    """

    domain: ClassVar[str]
    aggregate: ClassVar[str]
    aggregate_key: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def aggregate_id(self) -> UUID:
        """The id of the aggregate this is a fact of."""
        value: UUID = getattr(self, self.aggregate_key)
        return value
