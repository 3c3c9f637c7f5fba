from datetime import date

from subgraphs.finance.series.rules import Document, document_number, series_of


def test_a_number_names_its_document_and_its_month():
    assert document_number(series_of(Document.INVOICE, date(2026, 8, 31)), 1) == "INV/2026/08/000001"
    assert document_number(series_of(Document.PAYMENT, date(2027, 1, 1)), 999_999) == "PAY/2027/01/999999"


def test_the_millionth_document_has_a_number_too():
    assert document_number("INV/2026/08", 1_000_000) == "INV/2026/08/1000000"
