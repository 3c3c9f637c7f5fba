"""What permission a root field, a mutation or a field of a type needs, read off its declaration.

Root fields over declared types, mutations and fields of entities say it by what they are; other fields in their
metadata: `permission`, one or several of which one is enough, or `public`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type

from libs.auth import CATALOGUE
from libs.graph.entity import Declared, Entity, entities_of
from libs.graph.fields import ColumnField, ComputedField, DerivedField, Relation

_FIGURES = "Aggregates"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Of each set of `needs` one permission is needed; none at all: to be signed in, or not even that (`public`).

    `own` is what is needed besides on rows that are not the actor's own. `feature` must be on in the school.
    """

    needs: tuple[frozenset[str], ...] = ()
    own: frozenset[str] = frozenset()
    public: bool = False
    feature: str | None = None

    def and_(self, *needs: frozenset[str]) -> "Requirement":
        """The same, and these too."""
        return replace(self, needs=tuple(dict.fromkeys((*self.needs, *(need for need in needs if need)))))

    def admits(self, permissions: Iterable[str], *, own: bool = False) -> bool:
        """Whether these permissions are enough; `own`: on own rows."""
        held = frozenset(permissions)
        wanted = self.needs if own or not self.own else (*self.needs, self.own)
        return all(need & held for need in wanted)


def reads(resource: str, *, figures: bool = False) -> frozenset[str]:
    """The permissions of which each reads rows of a resource; of own rows alone there are no figures."""
    reaches = ("", "_taught") if figures else ("", "_taught", "_own")
    names = (f"{resource}:read{reach}" for reach in reaches)
    return frozenset(name for name in names if name in CATALOGUE)


def mutations_of(schema: GraphQLSchema) -> Iterator[tuple[str, Requirement]]:
    """Every mutation with what it needs."""
    for name, field in _fields(schema.mutation_type):
        access = _metadata(field)["access"]
        needs = () if access.permission is None else (frozenset({access.permission}),)
        yield name, Requirement(needs, public=access.public, feature=access.feature)


def queries_of(subgraph: str, schema: GraphQLSchema) -> Iterator[tuple[str, Requirement]]:
    """Every field of Query with what it needs."""
    return _roots(subgraph, schema.query_type)


def subscriptions_of(subgraph: str, schema: GraphQLSchema) -> Iterator[tuple[str, Requirement]]:
    """Every subscription with what it needs."""
    return _roots(subgraph, schema.subscription_type)


def _roots(subgraph: str, kind: GraphQLObjectType | None) -> Iterator[tuple[str, Requirement]]:
    entities = entities_of(subgraph)
    for name, field in _fields(kind):
        said, answer = _said(field), get_named_type(field.type).name
        target = entities.get(answer.removesuffix("Connection").removesuffix(_FIGURES))
        if said.public or target is None:
            yield name, said
        else:
            yield name, said.and_(reads(target.resource, figures=answer.endswith(_FIGURES)))


def types_of(subgraph: str, schema: GraphQLSchema) -> Iterator[tuple[str, Requirement, dict[str, Requirement]]]:
    """Every entity, and every type whose fields say that they need something, with what each field needs."""
    entities = entities_of(subgraph)
    for name, kind in sorted(schema.type_map.items()):
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        if not isinstance(kind, GraphQLObjectType) or kind in roots:
            continue
        entity = entities.get(name)
        if entity is not None:
            whole = Requirement((reads(entity.resource),))
            yield name, whole, {field: _of_field(entity, field, entities) for field, _ in _fields(kind)}
        elif any(_said(field).needs for _, field in _fields(kind)):
            yield name, Requirement(), {field: _said(given) for field, given in _fields(kind)}


def undeclared(subgraph: str, schema: GraphQLSchema) -> Iterator[str]:
    """Root fields of which nothing says who may ask."""
    for name, requirement in (*queries_of(subgraph, schema), *subscriptions_of(subgraph, schema)):
        if not requirement.needs and not requirement.public:
            yield f"{subgraph}: {name}"


def _of_field(entity: Entity, name: str, entities: Mapping[str, Entity]) -> Requirement:
    whole, declared = Requirement((reads(entity.resource),)), entity.fields.get(name)
    match declared:
        case Declared(field=ColumnField(permission=str(permission))):
            return whole.and_(frozenset({permission}))
        case Declared(field=ComputedField(permission=str(permission), own=own)):
            needed = frozenset({permission})
            return whole.and_(needed) if own is None else replace(whole, own=needed)
        case Declared(field=Relation(target=target, kind=kind)):
            return whole.and_(reads(entities[target].resource, figures=kind == "aggregates"))
        case Declared(field=DerivedField(target=target)):
            return whole.and_(reads(entities[target].resource))
    return whole


def _said(field: GraphQLField) -> Requirement:
    metadata = _metadata(field)
    permission = metadata.get("permission") or ()
    enough = frozenset([permission] if isinstance(permission, str) else permission)
    return Requirement(public=metadata.get("public", False)).and_(enough)


def _fields(kind: GraphQLObjectType | None) -> Iterator[tuple[str, GraphQLField]]:
    """The fields that we have written, by name."""
    fields = kind.fields if kind is not None else {}
    return ((name, field) for name, field in sorted(fields.items()) if not name.startswith("_"))


def _metadata(field: GraphQLField) -> Mapping[str, Any]:
    definition = (field.extensions or {}).get("strawberry-definition")
    return definition.metadata if definition is not None else {}
