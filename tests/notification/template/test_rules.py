from datetime import date, timedelta

import pytest

from subgraphs.notification.template.queries import Letter, compose, compose_all, lay_out
from subgraphs.notification.template.rules import (
    DETAILS,
    VARIABLES,
    EventType,
    TemplateRefused,
    check_details,
    check_variables,
    language_of,
    long_date,
    long_moment,
    rupiah,
)

TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
GIVEN = {
    EventType.USER_CREATED: {"days": 7},
    EventType.USER_ACTIVATED: {},
    EventType.USER_UNLOCK_REQUESTED: {"minutes": 30},
    EventType.USER_REGISTERED: {"hours": 24},
    EventType.EMAIL_VERIFICATION_REQUESTED: {"hours": 24},
    EventType.REGISTRATION_REPEATED: {},
    EventType.PASSWORD_RESET_REQUESTED: {"minutes": 30},
    EventType.PASSWORD_CHANGED: {"at": "2026-11-25T21:12+07:00"},
    EventType.SECOND_FACTOR_CHANGED: {"at": "2026-11-25T21:12+07:00", "change": "RESET"},
    EventType.ABSENCE_NOTIFIED: {"date": "2026-11-25"},
    EventType.APPLICATION_SUBMITTED: {"number": "20306577-2026A-0001", "period": "Gelombang 1"},
    EventType.APPLICATION_VERIFIED: {"number": "20306577-2026A-0001"},
    EventType.PAYMENT_RECEIVED: {"amount": 1_500_000, "invoice": "INV/1", "payment": "PAY/1", "open": 250_000},
}
PUPILS = [
    {"name": "Budi", "class_name": "X IPA 1", "status": "ABSENT"},
    {"name": "<b>Siti</b>", "class_name": "XI-2", "status": "LATE"},
    {"name": "", "class_name": "XII-3", "status": "ABSENT"},
]


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
    personal = {"name", "email", "phone", "birth_date", "token", "link", "secret", "pupils"}
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


def test_details_stand_in_the_mail_alone_and_after_its_first_paragraph():
    given = {"event_type": EventType.ABSENCE_NOTIFIED, "action_url": None, "details": {"pupils": PUPILS}}
    indonesian, english = lay_out(letter(**given)), lay_out(letter(**given, language="en"))
    lines = [line for line in indonesian.text.splitlines() if line]
    assert lines[1:6] == [
        "Satu.",
        "Budi, kelas X IPA 1: tidak hadir.",
        "<b>Siti</b>, kelas XI-2: terlambat.",
        "Anak Anda, kelas XII-3: tidak hadir.",
        "Dua.",
    ]
    assert "Budi, class X IPA 1: absent." in english.text
    assert "&lt;b&gt;Siti&lt;/b&gt;, class XI-2: late." in english.html
    assert "Your child, class XII-3" in english.text
    assert (
        "Kode pendaftaran: k0d3"
        in lay_out(letter(event_type=EventType.APPLICATION_SUBMITTED, details={"secret": "k0d3"})).text
    )


@pytest.mark.parametrize("details", [{}, {"pupils": PUPILS, "name": "Budi"}])
def test_missing_and_undeclared_details_are_refused(details):
    with pytest.raises(TemplateRefused):
        lay_out(letter(event_type=EventType.ABSENCE_NOTIFIED, details=details))
    with pytest.raises(TemplateRefused):
        check_details(EventType.ABSENCE_NOTIFIED, details)


def test_details_are_never_variables():
    assert all(not DETAILS[each] & VARIABLES[each] for each in DETAILS)


def test_money_is_written_as_people_do():
    assert [rupiah(each) for each in (0, 500, 1_500_000, 12_000_000_000)] == [
        "Rp 0",
        "Rp 500",
        "Rp 1.500.000",
        "Rp 12.000.000.000",
    ]
    texts = compose_all(EventType.PAYMENT_RECEIVED, GIVEN[EventType.PAYMENT_RECEIVED])
    assert texts["id"].subject == "Pembayaran Rp 1.500.000 telah kami terima"
    assert "Sisa tagihan: Rp 250.000." in texts["id"].body
    assert "Still open: Rp 250.000." in texts["en"].body
    paid = compose_all(EventType.PAYMENT_RECEIVED, GIVEN[EventType.PAYMENT_RECEIVED] | {"open": 0})
    assert "telah lunas" in paid["id"].body
    assert "paid in full" in paid["en"].body


def test_days_are_said_in_both_languages():
    assert long_date("2026-11-25", "id") == "Rabu, 25 November 2026"
    assert long_date("2026-08-02", "en") == "Sunday, 2 August 2026"
    year = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    for language in ("id", "en"):
        assert len({long_date(each.isoformat(), language) for each in year}) == 365


def test_moments_are_said_in_both_languages_with_their_zone():
    assert long_moment("2026-11-25T21:12+07:00", "id") == "Rabu, 25 November 2026 pukul 21.12 (UTC+07:00)"
    assert long_moment("2026-08-02T00:05+09:00", "en") == "Sunday, 2 August 2026, 00:05 (UTC+09:00)"
