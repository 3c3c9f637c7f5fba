"""Rules of what a school bills."""

from enum import StrEnum


class BillingFrequency(StrEnum):
    """How often."""

    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"
    ONCE = "ONCE"
