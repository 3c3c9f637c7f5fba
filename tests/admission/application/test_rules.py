from datetime import date, timedelta

import pytest

from libs.kernel import InvalidInput, new_id
from subgraphs.admission.application.rules import (
    ApplicationNotSubmitted,
    ApplicationStatus,
    PaymentStatus,
    PeriodNotOpen,
    age,
    application_number,
    check_form,
    check_open,
    check_verifiable,
    hash_of_secret,
    name_words,
    next_step,
    opens,
    payment_status_of,
    same_applicant,
    secret_of,
)
from tests.admission.world import TODAY, form

START, END = date(2027, 1, 4), date(2027, 1, 31)
SECRET = "ABCD-EFGH-IJKL-MNOP"
KEPT = {"secret_hash": hash_of_secret(SECRET), "born": date(2012, 3, 4)}


def test_numbers_sort_as_text():
    assert application_number("20306577-2027A", 7) == "20306577-2027A-0007"
    assert application_number("20306577-2027A", 12_345) == "20306577-2027A-12345"


@pytest.mark.parametrize(
    ("born", "years"),
    [(date(2012, 11, 25), 14), (date(2012, 11, 26), 13), (date(2026, 11, 26), -1), (date(2024, 2, 29), 2)],
)
def test_age_counts_full_years(born, years):
    assert age(born, TODAY) == years


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"nik": "3307010605120001", "nisn": "0123456789"}, []),
        ({"birth_date": date(2023, 11, 25)}, []),
        ({"birth_date": date(1986, 11, 26)}, []),
        ({"birth_date": date(2023, 11, 26)}, [("input.birthDate", "IMPLAUSIBLE_DATE")]),
        ({"birth_date": date(1986, 11, 25)}, [("input.birthDate", "IMPLAUSIBLE_DATE")]),
        ({"birth_date": TODAY + timedelta(days=1)}, [("input.birthDate", "IMPLAUSIBLE_DATE")]),
        ({"nik": "33070106051200011"}, [("input.nik", "INVALID_NIK")]),
        ({"nik": "330701060512000x", "nisn": "012345678"}, [("input.nisn", "INVALID_NISN"), ("input.nik", "INVALID_NIK")]),
        ({"nisn": "٠١٢٣٤٥٦٧٨٩"}, [("input.nisn", "INVALID_NISN")]),
    ],
)  # fmt: skip
def test_every_fault_of_a_form_is_told(changes, faults):
    given = form(new_id(), **changes)
    if not faults:
        check_form(given, today=TODAY)
        return
    with pytest.raises(InvalidInput) as refused:
        check_form(given, today=TODAY)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == faults


def test_the_same_applicant_is_known_however_the_name_is_written():
    period = new_id()
    first = same_applicant(form(period, full_name="Siti  RAHMA "))
    assert first == same_applicant(form(period, full_name="siti rahma", parent_email=None, nisn="0123456789"))
    for changes in ({"full_name": "Siti Rahmah"}, {"birth_date": date(2012, 3, 5)}, {"parent_phone": "+6281"}):
        assert first != same_applicant(form(period, **changes))
    assert first != same_applicant(form(new_id()))


@pytest.mark.parametrize(
    ("is_open", "today"),
    [(False, START), (True, START - timedelta(days=1)), (True, END + timedelta(days=1))],
)
def test_one_applies_in_an_open_period_within_its_dates(is_open, today):
    check_open(is_open=True, start_date=START, end_date=END, today=START)
    check_open(is_open=True, start_date=START, end_date=END, today=END)
    with pytest.raises(PeriodNotOpen) as refused:
        check_open(is_open=is_open, start_date=START, end_date=END, today=today)
    assert refused.value.data == {"start_date": START, "end_date": END}


def test_a_secret_is_typed_as_people_type():
    secret = secret_of(bytes(range(32)))
    assert len(secret) == 19
    assert set(secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")
    assert hash_of_secret(f" {secret.lower().replace('-', ' ')}\n") == hash_of_secret(secret)
    assert secret_of(bytes(32)) != secret


@pytest.mark.parametrize(
    ("secret", "birth_date", "holds"),
    [
        (SECRET, None, True),
        (None, date(2012, 3, 4), True),
        ("abcd efgh ijkl mnop", date(2012, 3, 4), True),
        (None, None, False),
        ("", None, False),
        (SECRET, date(2012, 3, 5), False),
        ("ABCD-EFGH-IJKL-MNOQ", date(2012, 3, 4), False),
        (None, date(2012, 3, 5), False),
        ("é\u0000", None, False),
    ],
)
def test_what_is_given_must_hold_and_something_must_be_given(secret, birth_date, holds):
    assert opens(secret=secret, birth_date=birth_date, **KEPT) is holds
    assert not opens(secret=secret, birth_date=birth_date, secret_hash=None, born=None)


def test_only_what_waits_for_it_is_verified():
    check_verifiable(ApplicationStatus.SUBMITTED)
    for status in set(ApplicationStatus) - {ApplicationStatus.SUBMITTED}:
        with pytest.raises(ApplicationNotSubmitted):
            check_verifiable(status)


def test_every_status_has_a_next_step_in_both_languages():
    steps = [
        next_step(status, payment, language)
        for status in ApplicationStatus
        for payment in PaymentStatus
        for language in ("id", "en")
    ]
    assert len(set(steps)) == 2 * (len(ApplicationStatus) + 1)
    assert next_step(ApplicationStatus.SUBMITTED, PaymentStatus.UNPAID, "en").startswith("Pay")
    assert next_step(ApplicationStatus.SUBMITTED, PaymentStatus.PAID, "fr") == "Tunggu verifikasi dari sekolah."


def test_small_things():
    assert payment_status_of(None) == payment_status_of(0) == PaymentStatus.FREE
    assert payment_status_of(1) == PaymentStatus.UNPAID
    assert name_words("Siti RAHMA  siti") == ["siti", "rahma"]
