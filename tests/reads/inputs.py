"""Arguments as documents write them: literals, variables, and variables inside of literals."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_nullable_type, is_list_type, is_non_null_type
from hypothesis import strategies as st

from tests.reads.values import about, scalar_values

ABSENT: Final[Any] = object()
"""What an argument comes to be whose variable is left out."""
_COMBINING: Final = ("and", "or", "not")


class Name(str):
    """A value of an enumeration, which a literal writes without quotes."""

    __slots__ = ()


@dataclass
class Arguments:
    """Arguments as the document writes them, and as they come to be."""

    texts: list[str] = field(default_factory=list)
    effective: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, written: tuple[str, Any]) -> None:
        """One more; a variable that is left out leaves the argument out."""
        self.texts.append(f"{name}: {written[0]}")
        if written[1] is not ABSENT:
            self.effective[name] = written[1]

    @property
    def text(self) -> str:
        return f"({', '.join(self.texts)})" if self.texts else ""


def literal(value: Any) -> str:
    """A value as a literal without variables."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def literals(arguments: Mapping[str, Any]) -> str:
    return f"({', '.join(f'{name}: {literal(value)}' for name, value in arguments.items())})" if arguments else ""


@dataclass
class Chooser:
    """Draws; what shrinks goes to the plainer choice."""

    draw: Callable[[st.SearchStrategy[Any]], Any]

    def number(self, least: int, most: int) -> int:
        return int(self.draw(st.integers(least, most)))

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    def one_of(self, options: Any) -> Any:
        found = list(options)
        return found[self.number(0, len(found) - 1)]


@dataclass
class Values(Chooser):
    """Values of input types, written with and without variables."""

    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def fresh(self, prefix: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def value(self, kind: Any, subject: str, depth: int = 0) -> Any:
        """A value of an input type as JSON has it; `subject` chooses among ids and texts."""
        if not is_non_null_type(kind) and self.chance(4):
            return None
        bare = get_nullable_type(kind)
        if is_list_type(bare):
            return [self.value(bare.of_type, subject, depth) for _ in range(self.one_of((2, 1, 3, 0)))]
        if isinstance(bare, GraphQLEnumType):
            return Name(self.one_of(bare.values))
        if not isinstance(bare, GraphQLInputObjectType):
            return self.one_of(scalar_values(bare.name, subject))
        names = [name for name in bare.fields if depth < 2 or name not in _COMBINING]
        chosen = dict.fromkeys(self.one_of(names) for _ in range(self.number(0 if depth else 1, 2)))
        made = {}
        for name in chosen:
            told = about(name, bare.name) if "eq" not in bare.fields and name not in _COMBINING else subject
            made[name] = self.value(bare.fields[name].type, told, depth + 1)
        return made

    def written(self, kind: Any, value: Any, subject: str, *, in_list: bool = False) -> tuple[str, Any]:
        """A value as text, parts of it as variables, and what it comes to be."""
        if self.chance(25):
            return self._variable(kind, value, subject, in_list=in_list)
        bare = get_nullable_type(kind)
        if isinstance(value, list):
            parts = [self.written(bare.of_type, each, subject, in_list=True) for each in value]
            if len(parts) == 1 and not parts[0][0].startswith(("$", "null")) and self.chance(15):
                return parts[0][0], [parts[0][1]]  # GraphQL takes one value for a list of it
            return f"[{', '.join(text for text, _ in parts)}]", [made for _, made in parts]
        if isinstance(value, dict):
            made = Arguments()
            for name, each in value.items():
                told = subject if "eq" in bare.fields or name in _COMBINING else about(name, bare.name)
                made.add(name, self.written(bare.fields[name].type, each, told))
            return "{" + ", ".join(made.texts) + "}", made.effective
        return literal(value), value

    def _variable(self, kind: Any, value: Any, subject: str, *, in_list: bool) -> tuple[str, Any]:
        name, told = self.fresh("v"), str(kind)
        nullable = told.removesuffix("!")
        way = self.number(0, 4)
        if way == 1 and value is not None:
            self.definitions.append(f"${name}: {nullable} = {literal(value)}")
            return f"${name}", value
        if way == 2 and not is_non_null_type(kind) and not in_list:
            self.definitions.append(f"${name}: {nullable}")
            return f"${name}", ABSENT
        other = self.value(kind, subject, 2)
        if way == 3 and value is not None:
            told = f"{nullable}!"
        elif way == 4:
            told = f"{told} = {literal(other)}"
        self.definitions.append(f"${name}: {told}")
        self.variables[name] = value
        if value is not None and not isinstance(value, dict | list | bool | Name):
            bare = get_nullable_type(kind)
            self.others[name] = self.value(bare if is_list_type(bare) else kind, subject) or value
        return f"${name}", value
