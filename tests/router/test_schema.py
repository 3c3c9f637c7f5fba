"""Generation of `schema/`: repeatable, composed, and what differs is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.schema import CompositionError, compose, differences, sdl_of
from tests.router.conftest import ROOT
from tests.router.subgraphs import SCHEMAS

PRINT = "from tests.router.subgraphs import SCHEMAS; print(SCHEMAS['identity'].as_str())"


def test_the_sdl_keeps_its_directives_and_is_the_same_in_every_process() -> None:
    identity = sdl_of(SCHEMAS["identity"])
    elsewhere = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, env={"PYTHONHASHSEED": "1"}, capture_output=True, text=True, check=True
    ).stdout
    assert identity.endswith(elsewhere)
    assert '@key(fields: "id")' in identity
    assert '@requiresScopes(scopes: [["audit:read"]])' in identity
    assert "https://specs.apollo.dev/federation/v2.9" in identity


def test_a_supergraph_is_composed_or_the_conflict_is_told(tmp_path: Path) -> None:
    for name, schema in SCHEMAS.items():
        (tmp_path / f"{name}.graphql").write_text(sdl_of(schema))
    compose(tmp_path)
    assert "@join__type" in (tmp_path / "supergraph.graphql").read_text()
    (tmp_path / "academic.graphql").write_text("type Query {")
    with pytest.raises(CompositionError, match=r"^academic: .*Syntax Error"):
        compose(tmp_path)


def test_what_differs_is_missing_or_left_over_is_named(tmp_path: Path) -> None:
    generated, committed = tmp_path / "generated", tmp_path / "committed"
    for folder, files in {
        generated: {"a.graphql": "1", "b.graphql": "1", "c.graphql": "1", "events/x.json": "1"},
        committed: {"a.graphql": "1", "b.graphql": "2", "codes.json": "1", "events/x.json": "1", "events/y.json": "1"},
    }.items():
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    assert sorted(differences(generated, committed)) == ["b.graphql", "c.graphql", "events/y.json"]
