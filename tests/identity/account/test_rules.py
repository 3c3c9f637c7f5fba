"""What an edit may not leave out, without a database."""

from subgraphs.identity.account.rules import edit_faults


def test_an_edit_keeps_what_nobody_can_be_without():
    assert [fault.path for fault in edit_faults({"name": None, "email": None, "phone": None, "language": None})] == [
        "input.name",
        "input.email",
        "input.language",
    ]
    assert [fault.path for fault in edit_faults({})] == ["input"]
    assert list(edit_faults({"phone": None, "language": "en", "name": "A"})) == []
