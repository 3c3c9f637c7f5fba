"""Pages for visitors who are not signed in: forms without a script and without a cookie, in the visitor's language."""

from libs.graph import language_of
from libs.pages.forms import LinkRequest, Visit, link_request_of, sent_form, visit_of
from libs.pages.pages import Pages, days_by, spoken

__all__ = [
    "LinkRequest",
    "Pages",
    "Visit",
    "days_by",
    "language_of",
    "link_request_of",
    "sent_form",
    "spoken",
    "visit_of",
]
