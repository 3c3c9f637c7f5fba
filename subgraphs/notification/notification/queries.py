"""Figures of a school's messages."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from subgraphs.notification.notification.model import Notification


def failed_messages(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """How many messages of the school are given up."""
    message = Notification.__table__.alias()
    wanted = (message.c.tenant_id == tenant_id, message.c.status == "FAILED")
    return select(func.count()).select_from(message).where(*wanted).scalar_subquery()
