"""Files: where they lie, what they are, and the rows that imports read from them."""

from libs.files.content import MOST_BYTES, FileType, opened, type_of
from libs.files.http import upload_route
from libs.files.lines import (
    FILE_PATH,
    FILE_TEXTS,
    Content,
    Line,
    Sheet,
    Unreadable,
    numbered_cells,
    path_in_file,
    read_lines,
)
from libs.files.objects import StorageUnavailable, StoredFiles
from libs.files.storage import Storage
from libs.files.tables import create_file_table, file_table
from libs.files.uploads import TakenFile, Uploads

__all__ = [
    "FILE_PATH",
    "FILE_TEXTS",
    "MOST_BYTES",
    "Content",
    "FileType",
    "Line",
    "Sheet",
    "Storage",
    "StorageUnavailable",
    "StoredFiles",
    "TakenFile",
    "Unreadable",
    "Uploads",
    "create_file_table",
    "file_table",
    "numbered_cells",
    "opened",
    "path_in_file",
    "read_lines",
    "type_of",
    "upload_route",
]
