"""Files that imports read: an address for each, to which it is sent."""

import strawberry

from libs.graph import Call, QuotaExceeded, UploadInput, UploadSuccess, mutation, request_upload, result


@strawberry.input(description="A file that is going to be sent.")
class RequestOperationsUploadInput(UploadInput):
    """What every upload says of its file."""


@result
class RequestOperationsUploadSuccess(UploadSuccess):
    """Where the file is to be sent, by PUT, once."""


@strawberry.type
class UploadMutation:
    """Mutations of uploads."""

    @mutation(permission="attendance:import", feature="ATTENDANCE", errors=(QuotaExceeded,))
    async def request_operations_upload(
        self, call: Call, input: RequestOperationsUploadInput
    ) -> RequestOperationsUploadSuccess:
        """Gives an address to which a file of attendance is sent within 15 minutes, and imported within a day."""
        return await request_upload(call, input, RequestOperationsUploadSuccess)
