"""The school years that periods take pupils for, kept by academic's events in any order."""

from datetime import date

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow
from subgraphs.admission.model import Base


class AcademicYear(TenantRow, Base):
    """A school year; `end_date` is its last day."""

    __tablename__ = "academic_years"

    sequence: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    start_date: Mapped[date]
    end_date: Mapped[date]

    __table_args__ = ({"info": {"class": TableClass.PROJECTION}},)
