"""Time, ids and the end of a transaction are not a domain's to decide."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import Source, aggregate_sources, called_name, python_sources

CLOCK_AND_IDS = {
    "now", "utcnow", "utc_now", "today", "time", "monotonic",
    "uuid1", "uuid4", "uuid6", "uuid7", "new_id", "token_urlsafe", "token_hex",
}  # fmt: skip


def impure_calls(source: Source) -> Iterator[str]:
    """Calls of a clock or an id factory; `tx.new_id()` is the transaction's, which a test sets."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called_name(node) in CLOCK_AND_IDS and ast.unparse(node.func) != "tx.new_id":
            yield f"{source.path}:{node.lineno} calls {ast.unparse(node.func)}"


def commits(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield f"{source.path}:{node.lineno} commits"


def test_rules_and_operations_are_told_time_and_ids():
    assert [call for source in aggregate_sources("rules", "operations") for call in impure_calls(source)] == []


def test_only_the_database_room_commits():
    sources = [
        source for source in python_sources("libs", "subgraphs", "deploy") if source.path.parts[:2] != ("libs", "db")
    ]
    assert [commit for source in sources for commit in commits(source)] == []


def test_the_checks_find_what_they_look_for():
    text = "datetime.now(UTC)\nnew_id()\ntx.new_id()\nfunc.now()\ntx.now\nself.session.commit()\ncommit()\n"
    source = Source(Path("subgraphs/one/pupil/operations.py"), text)
    assert len(list(impure_calls(source))) == 3
    assert len(list(commits(source))) == 1
