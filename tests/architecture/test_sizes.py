"""Files and functions stay small enough to be read in one go, and what is public says what it is."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import ROOT, Source, functions, parsed, python_sources, repository_files

MAX_FILE_LINES = 400
MAX_BODY_LINES = 40
CODE = {".py", ".js", ".mjs", ".cjs", ".ts", ".just"}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a body, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def long_functions(source: Source) -> Iterator[str]:
    for function in functions(source.tree):
        if (size := body_lines(function)) >= MAX_BODY_LINES:
            yield f"{source.path}:{function.lineno} {function.name}: {size} lines of body"


def undocumented(source: Source) -> Iterator[str]:
    """The module, and its public functions and classes, where they have no docstring."""
    if source.tree.body and ast.get_docstring(source.tree) is None:
        yield f"{source.path}: the module"
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            public = not node.name.startswith(("_", "pytest_"))
            if public and ast.get_docstring(node) is None and not is_described(node):
                yield f"{source.path}:{node.lineno} {node.name}"


def is_described(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator takes the description, as strawberry's do."""
    calls = [decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
    return any(keyword.arg == "description" for call in calls for keyword in call.keywords)


def is_history(source: Source) -> bool:
    """A migration: a list of statements in the order they ran, never edited again."""
    return source.path.match("subgraphs/*/migrations/versions/*.py")


def test_files_stay_small():
    files = [path for path in repository_files() if path.suffix in CODE]
    sizes = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: size for path, size in sizes.items() if size >= MAX_FILE_LINES} == {}


def test_functions_stay_small():
    sources = [source for source in python_sources("libs", "subgraphs", "deploy", "tests") if not is_history(source)]
    assert [fault for source in sources for fault in long_functions(source)] == []


def test_public_names_say_what_they_are():
    libs = [fault for source in python_sources("libs") for fault in undocumented(source)]
    rooms = [source for source in python_sources("subgraphs") if source.room in {"operations", "rules", "queries"}]
    assert libs + [fault for source in rooms for fault in undocumented(source)] == []


def test_the_checks_find_what_they_look_for():
    long = "def f():\n    '''says\n    it'''\n" + "    x = 1\n" * MAX_BODY_LINES
    source = Source(repository_files()[0], long)
    assert [fault.split(": ")[1] for fault in long_functions(source)] == ["40 lines of body"]
    assert body_lines(next(functions(parsed(long.replace("    x = 1\n", "", 1))))) == MAX_BODY_LINES - 1
    assert len(list(undocumented(Source(source.path, "def f(): ...\ndef _g(): ...\nclass C:\n    'c'\n")))) == 2
