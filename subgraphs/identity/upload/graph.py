"""Files that imports read: an address for each, to which it is sent."""

import strawberry

from libs.graph import Call, QuotaExceeded, UploadInput, UploadSuccess, mutation, request_upload, result


@strawberry.input(description="A file that is going to be sent.")
class RequestIdentityUploadInput(UploadInput):
    """What every upload says of its file."""


@result
class RequestIdentityUploadSuccess(UploadSuccess):
    """Where the file is to be sent, by PUT, once."""


@strawberry.type
class UploadMutation:
    """Mutations of uploads."""

    @mutation(permission="user:import", errors=(QuotaExceeded,))
    async def request_identity_upload(
        self, call: Call, input: RequestIdentityUploadInput
    ) -> RequestIdentityUploadSuccess:
        """Gives an address to which a file of accounts or schools is sent within 15 minutes, to be imported."""
        return await request_upload(call, input, RequestIdentityUploadSuccess)
