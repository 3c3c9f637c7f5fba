"""Report cards in the graph."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, and_, any_, or_

from libs.auth import Reach
from libs.graph import (
    Call,
    Info,
    ReadContext,
    column,
    computed,
    described_enum,
    entity,
    error,
    find_one,
    given,
    given_out,
    mutation,
    one,
    result,
)
from subgraphs.operations.report_card import model, operations, rules
from subgraphs.operations.report_card.queries import in_led_class

described_enum(
    rules.ReportCardStatus,
    "How far a report card is.",
    DRAFT="What it shows is written down; its PDF is being made.",
    GENERATED="Its PDF is there.",
    PUBLISHED="The family was told of it.",
    REVOKED="The school called it back.",
)


def visible_cards(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Homeroom teachers: those of their classes. Families: their pupils', once there is a PDF."""
    own = and_(table.c.student_id == any_(context.student_ids), table.c.file.is_not(None))
    if context.reach is Reach.OWN:
        return own
    led = in_led_class(table, tenant_id=context.tenant_id, user_id=context.user_id)
    return or_(led, own) if context.keeps_own else led


async def pdf_urls(call: Call, rows: Sequence[Any]) -> Sequence[str | None]:
    """An address for each card that has a PDF; whoever has it may read that PDF for ten minutes."""
    until = call.now + timedelta(seconds=rules.LINK_SECONDS)
    links, tenant_id = call.context.extras.links, call.tx.tenant_id
    return [links.url(rules.path_of(tenant_id, row.id), until=until) if row.file else None for row in rows]


@entity(model.ReportCard.__table__, resource="report_card", visible=visible_cards, keyed=False)
class ReportCard:
    """A pupil's report card of a semester, in one of its revisions."""

    id: UUID = column("Identity of the report card.")
    status: rules.ReportCardStatus = column("How far it is.")
    revision: int = column("Counts from 1; a later one supersedes those before.")
    pdf_url: str | None = computed(
        "Address of the PDF, for whoever has it, good for ten minutes; null until it is there.",
        batch=pdf_urls,
        columns=("file",),
    )
    code: str = column("What the page behind its QR code, /verify/<code>, knows it by.")
    generated_at: datetime | None = column("When its PDF was made.")


@strawberry.input(description="Whose report card, of which semester.")
class GenerateReportCardInput:
    student_id: UUID = given("The pupil.")
    semester_id: UUID = given("The semester.")


@result
class GenerateReportCardSuccess:
    """What the card shows is frozen; its PDF follows within seconds."""

    report_card_id: strawberry.Private[UUID]
    report_card: ReportCard = one("ReportCard", "The card, or its new revision.")


@error(rules.IncompleteGrades)
class IncompleteGrades:
    """Scores of the pupil are missing in this semester."""

    missing: int = given_out("How many, as `gradeSummary` counts them.")


@strawberry.type
class ReportCardQuery:
    """Queries about report cards."""

    @strawberry.field(description="A report card by its identity.")
    async def report_card(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the report card.")]
    ) -> ReportCard | None:
        """Null when there is none for the actor."""
        return await find_one(info, ReportCard, id=id)  # type: ignore[no-any-return]


@strawberry.type
class ReportCardMutation:
    """Mutations of report cards."""

    @mutation(permission="report_card:generate", feature="GRADING", errors=[IncompleteGrades])
    async def generate_report_card(self, call: Call, input: GenerateReportCardInput) -> GenerateReportCardSuccess:
        """Makes a pupil's report card of a semester, or a new revision of it."""
        extras = call.context.extras
        card = await operations.generate_report_card(
            call.tx,
            vault=extras.vault,
            queue=extras.queue,
            issuer=operations.Issuer(call.actor.user_id, any_class=call.actor.may("report_card:generate_any")),
            student_id=input.student_id,
            semester_id=input.semester_id,
            chance=secrets.token_bytes(rules.CODE_BYTES),
            today=call.today,
        )
        return GenerateReportCardSuccess(report_card_id=card.id)
