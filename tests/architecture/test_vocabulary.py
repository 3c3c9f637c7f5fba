"""The closed vocabulary of files and names: a newcomer finds any feature by name."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import python_sources, repository_files

DOMAIN_FILES = {"__init__.py", "README.md", "app.py", "schema.py", "consumers.py", "jobs.py", "model.py"}
AGGREGATE_FILES = {
    "__init__.py", "README.md", "model.py", "rules.py", "operations.py", "graph.py", "queries.py", "imports.py", "exports.py", "http.py",
}  # fmt: skip
AGGREGATE_PACKAGES = {"operations", "rules", "adapters"}  # python files, one per use case, rule or provider
MIGRATION_FILES = {"__init__.py", "env.py", "script.py.mako"}
TOP_LEVEL = {
    "README.md", "LICENSE", "justfile", "pyproject.toml", "compose.yaml", "Dockerfile", "requirements.lock",
    ".ci", ".gitignore", ".dockerignore", ".env.example",
    "subgraphs", "libs", "router", "schema", "deploy", "tests",
}  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]*")
FORBIDDEN_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "service", "services", "misc"}


def is_known(path: Path) -> bool:
    """Whether a path relative to subgraphs/ is in the tree of architecture.md."""
    match path.parts:
        case ("__init__.py" | "README.md",):
            return True
        case (domain, name):
            return bool(NAME.fullmatch(domain)) and name in DOMAIN_FILES
        case (_, "migrations", *inside):
            return is_migration(*inside)
        case (_, aggregate, *inside) if NAME.fullmatch(aggregate):
            return is_in_aggregate(*inside)
    return False


def is_migration(name: str, *inside: str) -> bool:
    if name == "versions":
        return len(inside) == 1 and inside[0].endswith(".py")
    return not inside and name in MIGRATION_FILES


def is_in_aggregate(name: str, *inside: str) -> bool:
    if name == "templates":
        return True
    if name in AGGREGATE_PACKAGES:
        return len(inside) == 1 and re.fullmatch(r"(__init__|[a-z][a-z0-9_]*)\.py", inside[0]) is not None
    return not inside and name in AGGREGATE_FILES


def forbidden_names(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for part in path.parts:
            stem = part.split(".")[0].lower()
            if FORBIDDEN_WORDS & set(stem.split("_")) or stem.startswith("base_"):
                yield str(path)


def forbidden_classes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            words = re.findall(r"[A-Z][a-z]*", node.name)
            if FORBIDDEN_WORDS & {word.lower() for word in words} or (len(words) > 1 and words[0] == "Base"):
                yield node.name


def test_files_below_subgraphs_are_in_the_vocabulary():
    inside = [path.relative_to("subgraphs") for path in repository_files() if path.parts[0] == "subgraphs"]
    assert [str(path) for path in inside if not is_known(path)] == []


def test_only_the_fixed_entries_stand_at_the_top():
    assert {path.parts[0] for path in repository_files()} <= TOP_LEVEL


def test_no_names_that_say_nothing():
    assert list(forbidden_names(repository_files())) == []
    sources = python_sources("libs", "subgraphs", "deploy")
    assert [(str(source.path), name) for source in sources for name in forbidden_classes(source.tree)] == []


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("academic/app.py", True),
        ("academic/enrollment/operations/enroll_student.py", True),
        ("academic/schedule/rules/solver.py", True),
        ("notification/message/templates/invitation/id.html", True),
        ("academic/migrations/versions/0001_first.py", True),
        ("academic/enrollment/adapters/bank.py", True),
        ("academic/loaders.py", False),
        ("academic/enrollment/services.py", False),
        ("academic/enrollment/operations/deep/one.py", False),
        ("academic/migrations/helpers.py", False),
        ("academic/Enrollment/model.py", False),
        ("notes.md", False),
    ],
)
def test_the_vocabulary_is_closed(path, known):
    assert is_known(Path(path)) is known


def test_forbidden_names_are_found():
    assert (
        len(
            list(
                forbidden_names(
                    map(Path, ("libs/db/base_model.py", "libs/utils/x.py", "deploy/db_helpers.py", "libs/x.py"))
                )
            )
        )
        == 3
    )
    tree = ast.parse("class Base: ...\nclass BaseModel: ...\nclass SchoolService: ...\nclass Serviced: ...")
    assert list(forbidden_classes(tree)) == ["BaseModel", "SchoolService"]
