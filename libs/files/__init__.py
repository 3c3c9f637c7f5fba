"""Files: where they lie, what they are, and the rows that imports read from them."""

from libs.files.content import MOST_BYTES, FileType, opened, type_of
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
from libs.files.objects import StoredFiles

__all__ = [
    "FILE_PATH",
    "FILE_TEXTS",
    "MOST_BYTES",
    "Content",
    "FileType",
    "Line",
    "Sheet",
    "StoredFiles",
    "Unreadable",
    "numbered_cells",
    "opened",
    "path_in_file",
    "read_lines",
    "type_of",
]
