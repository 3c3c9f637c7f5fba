"""The words of a name, without a database."""

import pytest

from subgraphs.identity.user.rules import language_faults, new_account_faults, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Siti Nur-Aisyah", ("siti", "nur", "aisyah")),
        ("  BUDI budi ", ("budi",)),
        ("D'Angelo Ñoño", ("d", "angelo", "ñoño")),
        ("محمد علي", ("محمد", "علي")),
        ("Straße", ("strasse",)),
        ("🙂", ()),
    ],
)
def test_the_words_of_a_name(name, found):
    assert words(name) == found


def test_a_new_account_has_a_role_and_a_language():
    assert [fault.path for fault in new_account_faults(roles=[], language="xx")] == ["input.roles", "input.language"]
    assert list(new_account_faults(roles=["teacher"], language="id")) == []
    assert list(language_faults(None)) == []
