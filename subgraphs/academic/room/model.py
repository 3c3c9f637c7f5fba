"""Rooms lessons are held in."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from libs.db import TenantRow, Versioned
from subgraphs.academic.model import Base


class Room(TenantRow, Versioned, Base):
    """A room, unique by name in its school."""

    __tablename__ = "rooms"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("capacity > 0", name="capacity"),
    )

    name: Mapped[str]
    kind: Mapped[str | None]
    capacity: Mapped[int | None]
