import pytest

from subgraphs.notification.template.queries import Letter, compose, lay_out
from subgraphs.notification.template.rules import VARIABLES, EventType, TemplateRefused, check_variables, language_of

TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
GIVEN = {EventType.USER_CREATED: {"days": 7}, EventType.USER_ACTIVATED: {}}


def letter(**changes):
    values = {
        "event_type": EventType.USER_CREATED,
        "language": "id",
        "subject": "Undangan",
        "body": "Satu.\n\nDua.",
        "name": "Budi Santoso",
        "school": "SMA Gabriel",
        "action_url": f"https://wiyata.test/account/invitation?token={TOKEN}",
    }
    return Letter(**(values | changes))


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("event_type", list(EventType))
def test_every_event_has_a_text_in_both_languages(event_type, language):
    text = compose(event_type, language, GIVEN[event_type])
    assert text.subject
    assert "\n" not in text.subject
    assert len(text.body.split("\n\n")) >= 2
    assert "{" not in text.subject + text.body


def test_the_two_languages_differ_and_unknown_ones_fall_back_to_indonesian():
    indonesian, english, other = (compose(EventType.USER_CREATED, each, {"days": 7}) for each in ("id", "en", "jv"))
    assert indonesian.subject == "Undangan: buat kata sandi akun Wiyata Anda"
    assert english.subject == "Invitation: choose a password for your Wiyata account"
    assert other == indonesian
    assert [language_of(each) for each in ("id", "en", "jv", "")] == ["id", "en", "id", "id"]


def test_what_the_template_is_given_stands_in_the_text():
    assert "berlaku 7 hari" in compose(EventType.USER_CREATED, "id", {"days": 7}).body
    assert "valid for 7 days" in compose(EventType.USER_CREATED, "en", {"days": 7}).body
    assert "valid for 1 day." in compose(EventType.USER_CREATED, "en", {"days": 1}).body


@pytest.mark.parametrize("given", [{}, {"days": 7, "token": TOKEN}, {"name": "Budi"}])
def test_missing_and_undeclared_variables_are_refused(given):
    with pytest.raises(TemplateRefused):
        compose(EventType.USER_CREATED, "id", given)
    with pytest.raises(TemplateRefused):
        check_variables(EventType.USER_CREATED, given)


def test_nothing_of_a_person_may_be_a_variable():
    personal = {"name", "email", "phone", "birth_date", "token", "link"}
    assert all(not personal & names for names in VARIABLES.values())


def test_the_layout_has_title_message_action_and_school_in_both_parts():
    parts = lay_out(letter())
    for part in (parts.text, parts.html):
        assert "Budi Santoso" in part
        assert "Satu." in part
        assert "Dua." in part
        assert "SMA Gabriel" in part
        assert TOKEN in part
        assert "Terima undangan" in part
    assert "<h1" in parts.html
    assert "Undangan</h1>" in parts.html
    assert "<" not in parts.text


def test_a_message_without_action_has_no_button_and_without_school_no_line():
    parts = lay_out(letter(event_type=EventType.USER_ACTIVATED, action_url=None, school=None, language="en"))
    assert "<a " not in parts.html
    assert "http" not in parts.text
    assert "None" not in parts.html + parts.text
    assert parts.text.startswith("Dear Budi Santoso,")


def test_html_is_escaped_and_text_is_not():
    parts = lay_out(letter(name="<script>alert(1)</script> & Co", subject="<b>", school='"><img>'))
    assert "<script>" not in parts.html
    assert "<img>" not in parts.html
    assert "<b>" not in parts.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in parts.html
    assert "<script>alert(1)</script> & Co" in parts.text


@pytest.mark.parametrize("hostile", ["{{ 7 * 7 }}", "{% for x in [1] %}", "{{ ''.__class__.__mro__ }}"])
def test_data_is_never_a_template(hostile):
    assert hostile in lay_out(letter(name=hostile)).text
