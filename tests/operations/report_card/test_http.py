"""What visitors are shown of a report card is told in their language."""

import pytest

from libs.kernel import new_id
from subgraphs.operations.report_card.rules import in_words
from tests.operations.grading.school import TODAY, School
from tests.operations.report_card.cards import complete, generate

WORDS = {
    "id": {
        "valid": "Rapor ini sah",
        "superseded": "Rapor ini sudah digantikan",
        "revoked": "Rapor ini ditarik",
        "absent": "Rapor tidak ditemukan",
        "day": in_words(TODAY),
        "link": "Tautan ini tidak berlaku atau sudah kedaluwarsa.",
    },
    "en": {
        "valid": "This report card is valid",
        "superseded": "This report card has been replaced",
        "revoked": "This report card was revoked",
        "absent": "Report card not found",
        "day": f"{TODAY.day} {TODAY:%B} {TODAY.year}",
        "link": "This link is not valid, or not any more.",
    },
}


@pytest.mark.parametrize("language", WORDS)
async def test_the_page_of_a_code_speaks_the_visitor_s_language(here: School, language: str):
    words = WORDS[language]
    await complete(here)
    cards = [await generate(here, here.students[0]) for _ in range(2)]

    async def heading(code: str) -> str:
        page = await here.graph.http.get(f"/verify/{code}", headers={"accept-language": language})
        assert (page.headers["content-language"], page.headers["vary"]) == (language, "Accept-Language")
        assert f'<html lang="{language}">' in page.text
        assert ("A. L." in page.text, words["day"] in page.text) == ((page.status_code == 200),) * 2
        return page.text.split("<h1>")[1].split("</h1>")[0]

    printed = "update operations.report_cards set status = %s, file = 'x'"
    here.as_owner("operations", printed, ("GENERATED",))
    assert [await heading(card.code) for card in cards] == [words["superseded"], words["valid"]]
    here.as_owner("operations", printed, ("REVOKED",))
    assert [await heading(card.code) for card in cards] == [words["revoked"]] * 2
    assert await heading("x") == words["absent"]


@pytest.mark.parametrize("language", WORDS)
async def test_a_link_that_does_not_hold_says_so_in_the_visitor_s_language(here: School, language: str):
    path = f"/files/operations/report-cards/{here.tenant_id}/{new_id()}.pdf"
    refused = await here.graph.http.get(path, headers={"accept-language": language})
    assert (refused.status_code, refused.text) == (403, WORDS[language]["link"])
    assert (refused.headers["content-language"], refused.headers["vary"]) == (language, "Accept-Language")
