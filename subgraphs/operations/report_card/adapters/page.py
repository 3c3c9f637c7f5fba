"""The page that a report card is printed from: Jinja2 in its sandbox, with a QR code as SVG."""

from decimal import Decimal
from pathlib import Path

import segno
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from subgraphs.operations.report_card.rules import Card, in_words


class Pages:
    """Pages of report cards; `public_url` is where the page behind the QR code is found."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(Path(__file__).parents[1] / "templates"), autoescape=True, undefined=StrictUndefined
        )
        environment.filters["score"] = _score
        environment.filters["in_words"] = in_words
        self._template = environment.get_template("report_card.html")

    def report_card(self, card: Card) -> str:
        """The HTML of a card; it needs nothing from anywhere else."""
        url = f"{self._public_url}/verify/{card.code}"
        code = segno.make(url, error="m").svg_inline(scale=2, border=0)
        # The SVG is segno's own drawing: nothing of the card's text is in it.
        drawn = Markup(code)  # noqa: S704  # nosec B704
        return self._template.render(card=card, heading=card.heading, verification_url=url, verification_qr=drawn)


def _score(value: Decimal) -> str:
    """As scores are written in Indonesian: 86,4."""
    return f"{value.normalize():f}".replace(".", ",")
