"""The long work of operations."""

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.jobs import JobOperations, RunningJob
from subgraphs.operations.attendance.operations import IMPORT_ATTENDANCE, carry_out_import
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.operations import RENDER_REPORT_CARD, Press, render_report_card
from subgraphs.operations.report_card.rules import Files, Printer


def jobs(vault: Vault, pages: Pages, printer: Printer, files: Files) -> JobOperations:
    """Kind of job -> operation; the last three make and keep report cards."""
    press = Press(vault, pages, printer, files)

    async def render(tx: TenantTransaction, job: RunningJob) -> None:
        await render_report_card(tx, job, press=press)

    return {IMPORT_ATTENDANCE: carry_out_import, RENDER_REPORT_CARD: render}
