"""Rules of the ledger: the accounts of a school, and which of them an invoice and a payment move."""

from enum import StrEnum
from typing import Final


class Account(StrEnum):
    """An account of every school's books; what is asked for stands on an account for each type of bill."""

    CASH = "CASH"
    BANK = "BANK"
    RECEIVABLE = "RECEIVABLE"
    REVENUE_SPP = "REVENUE_SPP"
    REVENUE_CONTRIBUTION = "REVENUE_CONTRIBUTION"
    REVENUE_REGISTRATION = "REVENUE_REGISTRATION"
    REVENUE_EXAM = "REVENUE_EXAM"
    REVENUE_UNIFORM = "REVENUE_UNIFORM"
    REVENUE_OTHER = "REVENUE_OTHER"


NAMES: Final = {
    Account.CASH: "Kas",
    Account.BANK: "Bank",
    Account.RECEIVABLE: "Piutang",
    Account.REVENUE_SPP: "Pendapatan SPP",
    Account.REVENUE_CONTRIBUTION: "Pendapatan iuran",
    Account.REVENUE_REGISTRATION: "Pendapatan pendaftaran",
    Account.REVENUE_EXAM: "Pendapatan ujian",
    Account.REVENUE_UNIFORM: "Pendapatan seragam",
    Account.REVENUE_OTHER: "Pendapatan lain",
}
"""What people in the school's office call them."""


def account_of_method(method: str) -> Account:
    """Where money of a payment method lies: cash in the till, everything else in the bank."""
    return Account.CASH if method == "CASH" else Account.BANK
