"""Mails about somebody's own account."""

from datetime import timedelta

import pytest

from libs.events.contracts.identity import (
    PasswordChanged,
    PasswordResetRequested,
    SecondFactorChanged,
    UnlockRequested,
)
from libs.kernel import new_id
from tests.notification.world import EMAIL, START, TOKEN, created, text_of

PERSON = {"name": "Siti Aminah", "email": EMAIL}
MOMENTS = {"id": "Rabu, 1 Juli 2026 pukul 15.00 (UTC+07:00)", "en": "Wednesday, 1 July 2026, 15:00 (UTC+07:00)"}


def reset_requested(user_id, language="id"):
    return PasswordResetRequested(
        user_id=user_id,
        language=language,
        expires_at=START + timedelta(minutes=30),
        personal=PERSON,
        secret={"token": TOKEN},
    )


@pytest.mark.parametrize(
    ("language", "said", "action"),
    [("id", "berlaku 30 menit", "Buat kata sandi baru"), ("en", "good for 30 minutes", "Choose a new password")],
)
async def test_a_forgotten_password_is_answered_by_a_link(world, other_world, language, said, action):
    user_id = new_id()
    envelope = world.envelope(reset_requested(user_id, language))
    await world.receive(created(user_id=user_id), envelope, envelope)
    [row] = world.rows("notifications")
    assert (row["event_type"], row["metadata"]) == ("password.reset_requested", {"minutes": 30})
    assert TOKEN not in str(row)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert f"{action}:\nhttps://wiyata.test/account/reset-password?token={TOKEN}\n" in text
    assert world.rows("notifications")[0]["sealed"] is None
    assert other_world.rows("notifications") == []


@pytest.mark.parametrize(
    ("language", "said", "action"),
    [("id", "dikunci karena terlalu banyak percobaan", "Buka kunci akun"), ("en", "is locked", "Unlock the account")],
)
async def test_a_locked_account_is_opened_by_a_link(world, language, said, action):
    user_id, until = new_id(), START + timedelta(minutes=30)
    secret = {"token": TOKEN}
    locked = UnlockRequested(user_id=user_id, language=language, expires_at=until, personal=PERSON, secret=secret)
    envelope = world.envelope(locked)
    await world.receive(created(user_id=user_id), envelope, envelope)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert f"{action}:\nhttps://wiyata.test/account/unlock?token={TOKEN}\n" in text
    assert world.rows("notifications")[0]["sealed"] is None


async def test_a_link_that_has_expired_is_not_sent(world):
    user_id = new_id()
    await world.receive(created(user_id=user_id), reset_requested(user_id))
    world.clock.forward(seconds=1801)
    await world.send_all()
    assert world.mailer.mails == []


@pytest.mark.parametrize(("language", "said"), [("id", "baru saja diganti"), ("en", "just been changed")])
async def test_whoever_has_another_password_is_told(world, language, said):
    user_id = new_id()
    changed = world.envelope(PasswordChanged(user_id=user_id, ver=2, language=language, personal=PERSON))
    await world.receive(created(user_id=user_id), changed, changed)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert MOMENTS[language] in text
    assert "https://wiyata.test/account/forgot?school=school" in text


FACTOR = [
    ("ENABLED", "telah aktif", "takes a code of your authenticator"),
    ("DISABLED", "telah dinonaktifkan", "was switched off"),
    ("RESET", "dihapus oleh administrator", "reset by an administrator"),
    ("CODES_REGENERATED", "telah diganti", "were replaced"),
    ("CODE_USED", "telah dipakai", "one of the recovery codes"),
]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("change", "indonesian", "english"), FACTOR)
async def test_whoever_has_another_second_factor_is_told(*, world, other_world, language, change, indonesian, english):
    user_id = new_id()
    event = SecondFactorChanged(user_id=user_id, change=change, language=language, personal=PERSON)
    envelope = world.envelope(event)
    await world.receive(created(user_id=user_id), envelope, envelope)
    [row] = world.rows("notifications")
    assert row["subject"]
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert (indonesian if language == "id" else english) in row["subject"] + text
    assert MOMENTS[language] in text
    assert "https://wiyata.test/account/forgot?school=school" in text
    assert other_world.rows("notifications") == []


@pytest.mark.parametrize(("timezone", "said"), [("Asia/Jayapura", "17:00+09:00"), (None, "15:00+07:00")])
async def test_moments_are_said_by_the_schools_clock_and_elsewhere_by_the_capitals(world, as_owner, timezone, said):
    if timezone is None:
        as_owner("notification", "delete from notification.tenants returning id")
    else:
        as_owner("notification", "update notification.tenants set timezone = %s returning id", (timezone,))
    user_id = new_id()
    changed = world.envelope(PasswordChanged(user_id=user_id, ver=2, language="en", personal=PERSON))
    await world.receive(created(user_id=user_id), changed)
    assert world.rows("notifications")[0]["metadata"] == {"at": f"2026-07-01T{said}"}
