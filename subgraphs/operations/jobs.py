"""The long work of operations."""

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.files import Uploads
from libs.jobs import JobOperations, RunningJob
from subgraphs.operations.attendance.operations import IMPORT_ATTENDANCE, carry_out_import
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.operations import RENDER_REPORT_CARD, Press, render_report_card
from subgraphs.operations.report_card.rules import Files, Printer


def jobs(vault: Vault, pages: Pages, printer: Printer, files: Files, uploads: Uploads) -> JobOperations:
    """Kind of job -> operation; `pages`, `printer` and `files` make and keep report cards."""
    press = Press(vault, pages, printer, files)

    async def load(tx: TenantTransaction, job: RunningJob) -> None:
        await carry_out_import(tx, job, uploads=uploads)

    async def render(tx: TenantTransaction, job: RunningJob) -> None:
        await render_report_card(tx, job, press=press, storage=uploads.storage)

    return {IMPORT_ATTENDANCE: load, RENDER_REPORT_CARD: render}
