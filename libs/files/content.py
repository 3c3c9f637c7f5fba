"""What a file is, told by its content: nobody's word for it counts, nor the end of its name."""

import asyncio
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path
from typing import Final

from libs.files.lines import Content, Sheet, Unreadable

MOST_BYTES: Final = 25 * 2**20
"""The largest file that is taken."""
_MOST_UNPACKED: Final = 128 * 2**20
_MOST_RATIO: Final = 200  # a workbook of 50,000 equal lines is packed to a sixtieth
_MOST_PARTS: Final = 1_000
_LONGEST_SECONDS: Final = 60
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for gigabytes to be unpacked
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
_NEEDED: Final = frozenset({"[Content_Types].xml", "xl/workbook.xml"})
_READER: Final = Path(__file__).with_name("workbook.py")


class FileType(StrEnum):
    """What can be read."""

    CSV = "CSV"
    XLSX = "XLSX"


def type_of(content: bytes) -> FileType | None:
    """What this is, or None for what is neither; a workbook with macros or one that unpacks to too much is none."""
    if content[:4] == b"PK\x03\x04":
        return FileType.XLSX if _is_workbook(content) else None
    try:
        text = decoded(content)
    except Unreadable:
        return None
    return FileType.CSV if text.strip() else None


def decoded(content: bytes) -> str:
    """The text of a CSV file, UTF-8 or else Windows-1252. Raises Unreadable for what is no text."""
    if b"\x00" in content:  # also every text in UTF-16
        raise Unreadable
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise Unreadable from error


async def opened(content: bytes, kind: FileType) -> Content:
    """The text of a CSV file or the sheet of a workbook, with the event loop free meanwhile. Raises Unreadable."""
    if kind is FileType.CSV:
        return decoded(content)
    return await asyncio.to_thread(_sheet, content)


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                return False
            if not all(_is_modest(part) for part in parts):
                return False
            names = {part.filename for part in parts}
            if len(names) < len(parts) or not names >= _NEEDED or any("vba" in name.lower() for name in names):
                return False
            return b"macroEnabled" not in archive.read("[Content_Types].xml")
    except _BROKEN:
        return False


def _is_modest(part: zipfile.ZipInfo) -> bool:
    """Whether a part is packed as spreadsheets pack it, and not to next to nothing."""
    return part.compress_type in _PACKINGS and part.file_size <= max(part.compress_size, 1024) * _MOST_RATIO


def _sheet(content: bytes) -> Sheet:
    command, packed = [sys.executable, "-I", str(_READER)], _repacked(content)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WIYATA_")}
    try:
        done = subprocess.run(  # noqa: S603 - our own file, and no word of the user's in the command
            command,
            input=packed,
            capture_output=True,
            env=environment,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable from error
    if done.returncode != 0:
        raise Unreadable
    return Sheet(json.loads(done.stdout))


def _repacked(content: bytes) -> bytes:
    """The parts as they were measured, so that a size that was told wrong cannot become another one in the reader."""
    written = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(written, "w") as copy:
            for part in archive.infolist():
                if part.filename.endswith((".xml", ".rels")):
                    copy.writestr(part.filename, archive.read(part))
    except _BROKEN as error:
        raise Unreadable from error
    return written.getvalue()
