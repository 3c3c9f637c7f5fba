"""Files in object storage, or in a folder, by the URL of the settings: obstore knows them all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url


class StorageUnavailable(Exception):
    """The storage cannot be reached, is full, or refuses us."""


class StoredFiles:
    """Files under a URL: `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…`, `memory:///`."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> ObjectStore:
        """Opened when the first file is asked for: a folder is made only where one is needed."""
        if urlsplit(self._url).scheme == "file":
            return LocalStore(Path(url2pathname(urlsplit(self._url).path)), mkdir=True)
        return from_url(self._url)

    async def put(self, name: str, content: bytes) -> None:
        """Keeps a file whole: nobody reads half of it. Raises StorageUnavailable."""
        with _failures():
            await self._store.put_async(name, content)

    async def delete(self, name: str) -> None:
        """Deletes a file; one that is not there is deleted already. Raises StorageUnavailable."""
        with _failures(), suppress(FileNotFoundError, NotFoundError):
            await self._store.delete_async(name)

    async def get(self, name: str) -> bytes | None:
        """The content of a file, or None when there is none. Raises StorageUnavailable."""
        with _failures():
            try:
                found = await self._store.get_async(name)
            except (FileNotFoundError, NotFoundError):
                return None
            return bytes(await found.bytes_async())


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageUnavailable from error
