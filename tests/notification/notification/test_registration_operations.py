"""Mails to people who register, and to those whose address somebody registers with."""

from datetime import timedelta

import pytest

from libs.events.contracts.identity import EmailVerificationRequested, RegistrationRepeated, UserRegistered
from libs.kernel import new_id
from tests.notification.world import EMAIL, START, TOKEN, created, text_of

PERSON = {"name": "Siti Aminah", "email": EMAIL}


@pytest.mark.parametrize(
    ("language", "said", "action"),
    [("id", "berlaku 24 jam", "Verifikasi alamat surel"), ("en", "valid for 24 hours", "Verify the address")],
)
async def test_an_address_is_verified_by_a_link(*, world, other_world, language, said, action):
    user_id = new_id()
    asked = EmailVerificationRequested(
        user_id=user_id,
        language=language,
        expires_at=START + timedelta(hours=24),
        personal=PERSON,
        secret={"token": TOKEN},
    )
    envelope = world.envelope(asked)
    await world.receive(created(user_id=user_id), envelope, envelope)
    [row] = world.rows("notifications")
    assert (row["event_type"], row["metadata"]) == ("email.verification_requested", {"hours": 24})
    assert TOKEN not in str(row)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert f"{action}:\nhttps://wiyata.test/account/verification?token={TOKEN}\n" in text
    assert other_world.rows("notifications") == []


@pytest.mark.parametrize(
    ("language", "said", "action"),
    [
        ("id", "pilih kata sandi Anda: setelah itu akun menjadi milik Anda", "Pilih kata sandi Anda"),
        ("en", "choose your password: then the account is yours", "Choose your password"),
    ],
)
async def test_who_registered_chooses_the_password_by_a_link(*, world, other_world, language, said, action):
    registered = UserRegistered(
        user_id=new_id(),
        language=language,
        expires_at=START + timedelta(hours=24),
        personal=PERSON,
        secret={"token": TOKEN},
    )
    envelope = world.envelope(registered)
    await world.receive(created(user_id=registered.user_id), envelope, envelope)
    [row] = world.rows("notifications")
    assert (row["event_type"], row["metadata"]) == ("user.registered", {"hours": 24})
    assert TOKEN not in str(row)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert f"{action}:\nhttps://wiyata.test/account/invitation?token={TOKEN}\n" in text
    assert other_world.rows("notifications") == []


@pytest.mark.parametrize(("language", "said"), [("id", "sudah memiliki akun"), ("en", "has an account at the school")])
async def test_whoever_has_an_account_is_told_of_another_registration(world, language, said):
    user_id = new_id()
    repeated = world.envelope(RegistrationRepeated(user_id=user_id, language=language, personal=PERSON))
    await world.receive(created(user_id=user_id), repeated, repeated)
    assert await world.send_all() == 1
    text = text_of(world.mailer.mails[0])
    assert said in text
    assert "https://wiyata.test/account/forgot?school=school" in text
