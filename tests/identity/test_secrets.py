"""No secret that somebody gives, and none that somebody is told, stays in a log or in a table in clear."""

import dataclasses
import re
from typing import Any

import pytest
import structlog

from libs.kernel import new_id
from subgraphs.identity.schema import schema

CANARY = "Kenari-Rahasia-77"
TELLING = re.compile(r"secret|token|password|recovery|^uri$|qr_code")
NO_SECRETS = {"former_secret_valid_until"}  # a moment
FIELDS = {field.python_name: field for field in schema.mutation.__strawberry_definition__.fields}


def _is_secret(field) -> bool:
    return field.metadata.get("rules", {}).get("secret", False)


def _inputs():
    """Mutations whose input has secrets, with the GraphQL type of the input and its fields."""
    for name, field in FIELDS.items():
        for argument in field.arguments:
            kind = argument.type
            given = dataclasses.fields(getattr(kind, "of_type", kind))
            if any(_is_secret(each) for each in given):
                yield name, kind, given


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _filled(given) -> dict[str, Any]:
    """An input that says the canary wherever a secret or a code is asked for."""
    plain = {"email": "kenari@x.test", "name": "Siti Rahma", "roles": ["teacher"], "phone": "081234567890"}
    hidden = ("otp", "code", "device_token")
    return {
        _camel(each.name): CANARY if _is_secret(each) or each.name in hidden else plain[each.name]
        for each in given
        if _is_secret(each) or each.name in hidden or each.name in plain
    }


def test_there_are_inputs_with_secrets():
    names = {name for name, _, _ in _inputs()}
    assert {"login", "refresh_token", "accept_invitation", "reset_password", "verify_email", "create_user"} <= names


def test_no_answer_that_tells_a_secret_is_kept_for_a_repetition():
    """What an Idempotency-Key keeps lies in a table in clear."""
    kept = []
    for name, field in FIELDS.items():
        access = field.metadata["access"]
        if access.kept and not access.public:
            (success, *_) = field.type.types
            told = [each for each in dataclasses.fields(success) if TELLING.search(each.name)]
            kept += [(name, each.name) for each in told if not each.metadata.get("once")]
    assert [each for each in kept if each[1] not in NO_SECRETS] == []


def test_no_input_with_a_secret_is_remembered_by_its_hash():
    """A first password could be guessed from it, without bcrypt and without the pepper."""
    accesses = {name: FIELDS[name].metadata["access"] for name, _, _ in _inputs()}
    assert [name for name, access in accesses.items() if access.kept and not access.public] == []


@pytest.mark.parametrize(("name", "kind", "given"), list(_inputs()), ids=lambda each: each if type(each) is str else "")
async def test_what_is_given_as_a_secret_is_found_nowhere(
    *, graph, add_user, school, as_owner, capfd, name, kind, given
):
    admin = await add_user(school, "school_admin")
    field = _camel(name)
    text = f"mutation($input: {kind.__name__}!) {{ {field}(input: $input) {{ __typename }} }}"
    headers = {"idempotency-key": str(new_id())}
    with structlog.testing.capture_logs() as logged:
        answer = await graph(text, {"input": _filled(given)}, actor=admin, tenant_id=school, headers=headers)
    assert answer.ok()[field]["__typename"]
    tables = as_owner(
        "identity",
        "select table_name as name from information_schema.tables"
        " where table_schema = 'identity' and table_type = 'BASE TABLE'",
    )
    rows = [as_owner("identity", f'select t::text as row from identity."{table["name"]}" t') for table in tables]
    out = capfd.readouterr()
    seen = f"{answer} {logged} {out.out} {out.err} {rows}"
    assert CANARY not in seen
    assert "kenari@x.test" not in f"{logged} {out.out} {out.err} {rows}"
