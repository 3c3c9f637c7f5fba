"""Files that imports read: an address for each, to which it is sent."""

import strawberry

from libs.graph import Call, QuotaExceeded, UploadInput, UploadSuccess, mutation, request_upload, result


@strawberry.input(description="A file that is going to be sent.")
class RequestAcademicUploadInput(UploadInput):
    """What every upload says of its file."""


@result
class RequestAcademicUploadSuccess(UploadSuccess):
    """Where the file is to be sent, by PUT, once."""


@strawberry.type
class UploadMutation:
    """Mutations of uploads."""

    @mutation(permission="student:import", errors=(QuotaExceeded,))
    async def request_academic_upload(
        self, call: Call, input: RequestAcademicUploadInput
    ) -> RequestAcademicUploadSuccess:
        """Gives an address to which a file of pupils is sent within 15 minutes, and imported within a day."""
        return await request_upload(call, input, RequestAcademicUploadSuccess)
