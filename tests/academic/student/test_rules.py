from hypothesis import given
from hypothesis import strategies as st

from subgraphs.academic.student.rules import name_words


def test_a_name_is_found_by_its_words_whatever_their_case():
    assert name_words("Siti  NURHALIZA siti") == ["siti", "nurhaliza"]
    assert name_words("Ægir Straße") == ["ægir", "strasse"]


@given(st.text())
def test_words_are_folded_unique_and_never_empty(name: str):
    words = name_words(name)
    assert len(words) == len(set(words))
    assert all(word and word == word.casefold() and not word.isspace() for word in words)
