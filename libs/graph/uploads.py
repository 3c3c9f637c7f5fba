"""Uploads in the graph: what is said of a file before it is sent, and the address it is sent to."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from libs.files import MOST_BYTES, Content, FileType
from libs.graph.context import Call, Info, RequestContext
from libs.graph.enums import described_enum
from libs.graph.fields import given_out
from libs.graph.inputs import FileInput, given
from libs.graph.results import result
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope

described_enum(
    FileType,
    "What can be uploaded; the content decides.",
    CSV="Text: columns by commas, semicolons or tabs, in UTF-8 or Windows-1252.",
    XLSX="A workbook of Excel or LibreOffice, without macros; its first visible sheet is read.",
)


@strawberry.input(description="A file that is going to be sent.")
class UploadInput:
    """The input of every `request<Domain>Upload`, each under a name of its own."""

    name: str = given("Name of the file, for people.", max_length=200)
    size: int = given("Size, bytes; no more will be taken.", min=1, max=MOST_BYTES)
    type: FileType = given("What it is.")


@result
class UploadSuccess:
    """Where the file is to be sent, by PUT, once."""

    file_id: UUID = given_out("Identity of the upload, for `file: {fileId}`.")
    until: strawberry.Private[str]

    @strawberry.field(description="Where the content is sent by PUT; for whom has it, so it is kept secret.")
    def upload_url(self, info: Info) -> str:
        """Signed anew for a repeated answer."""
        url: str = info.context.extras.uploads.url(
            info.context.signed_in.tenant_id, self.file_id, until=self.expires_at()
        )
        return url

    @strawberry.field(description="Until when it may be sent.")
    def expires_at(self) -> datetime:
        """As it was told first."""
        return datetime.fromisoformat(self.until)


T = TypeVar("T", bound=UploadSuccess)


async def request_upload(call: Call, given: UploadInput, success: type[T]) -> T:
    """What every `request<Domain>Upload` does with the uploads in the subgraph's `extras`. Raises QuotaExceeded."""
    file_id, until = await call.context.extras.uploads.request(
        call.tx, created_by=call.actor.user_id, name=given.name, size=given.size, kind=given.type
    )
    return success(file_id=file_id, until=until.isoformat())


def reading_file(*, platform: bool = False) -> Callable[[RequestContext, Any], Awaitable[Content]]:
    """The `prepare` of an import that is done in its own mutation: reads `input.file` before the transaction.

    `platform` as the mutation says it. The content is then `call.prepared`; `take_file` belongs into the mutation.
    """

    async def read(context: RequestContext, input: Any) -> Content:
        actor, file = context.signed_in, input.file
        tenant_id = PLATFORM_TENANT_ID if platform else actor.tenant_id
        content: Content = await context.extras.uploads.read(
            context.database, Binding(tenant_id, Scope.SYSTEM), text=file.text, file_id=file.file_id
        )
        return content

    return read


async def take_file(call: Call, file: FileInput, *, keep: bool = False) -> None:
    """Takes the file that was read before, once; with `keep` (a dry run) it may be taken again.

    Raises NotFound when somebody else took it meanwhile.
    """
    uploads = call.context.extras.uploads
    taken = await uploads.take(call.tx, text=file.text, file_id=file.file_id, keep=keep)
    if not keep:
        await uploads.discard(call.tx, taken)
