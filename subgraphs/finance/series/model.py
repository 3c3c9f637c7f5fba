"""Running numbers of documents, without a gap."""

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow
from subgraphs.finance.model import Base


class NumberSeries(TenantRow, Base):
    """A series like INV/2026/08 and the last number given in it. Its row is held from the number until COMMIT."""

    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), CheckConstraint("last >= 0", name="last"))

    name: Mapped[str]
    last: Mapped[int] = mapped_column(BigInteger)
