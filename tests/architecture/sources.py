"""The repository as text: which files belong to it and what their syntax says."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file git knows or would add, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


@dataclass(frozen=True)
class Source:
    """One Python file of the house."""

    path: Path
    text: str

    @property
    def tree(self) -> ast.Module:
        return parsed(self.text)

    @property
    def room(self) -> str:
        """What kind of file it is: `operations` for both operations.py and operations/<use_case>.py."""
        parts = self.path.with_suffix("").parts
        inside = parts[3:] if parts[0] == "subgraphs" else parts[2:]
        return inside[0] if inside else parts[-1]


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def python_sources(*tops: str) -> tuple[Source, ...]:
    """The Python files below these top-level folders."""
    return tuple(
        Source(path, (ROOT / path).read_text(encoding="utf-8"))
        for path in repository_files()
        if path.suffix == ".py" and path.parts[0] in tops
    )


def aggregate_sources(*rooms: str) -> tuple[Source, ...]:
    """Files of these rooms inside the aggregates: subgraphs/<x>/<aggregate>/<room>."""
    return tuple(
        source
        for source in python_sources("subgraphs")
        if len(source.path.parts) > 3 and source.path.parts[2] != "migrations" and source.room in rooms
    )


def imported_modules(tree: ast.AST, *, of: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything imported; `from a import b` counts as `a.b`, as b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join((of.parts[: -node.level] if node.level else ()) + ((node.module,) if node.module else ()))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called_name(call: ast.Call) -> str:
    """The name called: `now` of datetime.now(), `new_id` of new_id()."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
