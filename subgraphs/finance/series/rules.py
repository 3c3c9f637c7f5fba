"""Rules of document numbers: INV/2026/08/000001."""

from datetime import date
from enum import StrEnum
from typing import Final

DIGITS: Final = 6
"""Digits of a running number, so that numbers sort as text; the millionth of a month has one more."""


class Document(StrEnum):
    """What is numbered."""

    INVOICE = "INV"
    PAYMENT = "PAY"


def series_of(document: Document, day: date) -> str:
    """The series of a document of that day's month, like INV/2026/08."""
    return f"{document}/{day:%Y/%m}"


def document_number(series: str, running: int) -> str:
    """The number of the `running`-th document of a series."""
    return f"{series}/{running:0{DIGITS}d}"
