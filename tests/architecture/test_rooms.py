"""What the import contracts cannot say: what belongs to the same aggregate, and what may come from outside."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import Source, aggregate_sources, imported_modules, parsed, python_sources

OWN_ONLY = ("graph", "http", "adapters", "imports", "exports")
SIBLINGS_FOR_OPERATIONS = ("model", "rules", "queries")


def rules_faults(source: Source) -> Iterator[str]:
    """rules.py: standard library, libs.kernel, and its own package."""
    own = ".".join(source.path.parts[:3]) + ".rules."
    for line, name in imported_modules(source.tree, of=source.path):
        if name.split(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith(("libs.kernel.", own)):
            yield f"{source.path}:{line} imports {name}"


def aggregate_faults(source: Source) -> Iterator[str]:
    """Rooms keep to their own aggregate; operations and queries may read what siblings' operations read."""
    own = source.path.parts[:3]
    for line, name in imported_modules(runtime(source.tree), of=source.path):
        parts = tuple(name.split("."))
        if parts[0] != "subgraphs" or parts[:3] == own or parts[:3] == (*own[:2], "model"):
            continue
        if source.room in OWN_ONLY or (
            source.room in {"operations", "queries"} and parts[3:4] and parts[3] not in SIBLINGS_FOR_OPERATIONS
        ):
            yield f"{source.path}:{line} imports {name}, of another aggregate"


def runtime(tree: ast.Module) -> ast.Module:
    """The module without its `if TYPE_CHECKING:` blocks."""
    body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))]
    return ast.Module(body=body, type_ignores=[])


def test_rules_use_the_standard_library_and_the_kernel():
    assert [fault for source in aggregate_sources("rules") for fault in rules_faults(source)] == []


def test_rooms_keep_to_their_aggregate():
    rooms = aggregate_sources("operations", "queries", *OWN_ONLY)
    assert [fault for source in rooms for fault in aggregate_faults(source)] == []


def guarded_faults(source: Source) -> Iterator[str]:
    """Imports for the type checker alone, which the contracts do not see, that leave the file's own room of the house."""
    own = ".".join(source.path.parts[:2]) + "."
    everything = set(imported_modules(source.tree, of=source.path))
    for line, name in sorted(everything - set(imported_modules(runtime(source.tree), of=source.path))):
        if name.startswith(("libs.", "subgraphs.", "deploy.")) and not name.startswith(own):
            yield f"{source.path}:{line} imports {name} for the type checker"
        elif source.path.parts[0] == "subgraphs" and source.room != "graph":
            yield f"{source.path}:{line} imports {name} for the type checker; strawberry.lazy in graph.py alone needs that"


def test_imports_for_the_type_checker_hide_nothing():
    sources = python_sources("libs", "subgraphs", "deploy")
    assert [fault for source in sources for fault in guarded_faults(source)] == []


def test_the_checks_find_what_they_look_for():
    def source(path: str, text: str) -> Source:
        return Source(Path(path), text)

    rules = source(
        "subgraphs/one/pupil/rules.py",
        "import orjson\nfrom libs.db import Database\nfrom libs import kernel\nimport re",
    )
    assert [fault.split(" imports ")[1] for fault in rules_faults(rules)] == ["orjson", "libs.db.Database"]
    graph = source(
        "subgraphs/one/pupil/graph.py",
        "from subgraphs.one.class_.model import Class\nfrom subgraphs.one.pupil import rules",
    )
    assert len(list(aggregate_faults(graph))) == 1
    operations = source(
        "subgraphs/one/pupil/operations/enroll.py",
        "from subgraphs.one.class_.model import Class\nfrom subgraphs.one.class_.adapters.bank import pay\nfrom subgraphs.one.model import Base",
    )
    assert [fault.split(" imports ")[1] for fault in aggregate_faults(operations)] == [
        "subgraphs.one.class_.adapters.bank.pay, of another aggregate"
    ]
    guarded = parsed("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import subgraphs.one.class_.graph\n")
    assert [name for _, name in imported_modules(runtime(guarded), of=graph.path)] == ["typing.TYPE_CHECKING"]
    hidden = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from subgraphs.one.class_.graph import Class\n"
    assert list(guarded_faults(source("subgraphs/one/pupil/graph.py", hidden))) == []
    assert len(list(guarded_faults(source("subgraphs/one/pupil/operations.py", hidden)))) == 1
    assert len(list(guarded_faults(source("libs/db/tables.py", hidden)))) == 1
