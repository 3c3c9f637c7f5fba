"""The words of a name, without a database."""

import pytest

from subgraphs.identity.user.rules import words


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
