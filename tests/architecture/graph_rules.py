"""What every subgraph's schema must look like: the skeleton's names, and the conventions of graph.md."""

from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    parse,
    print_ast,
    print_type,
    specified_scalar_types,
)
from graphql.language import (
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NullValueNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
)
from graphql.utilities.get_default_value_ast import get_default_value_ast

ALWAYS = {"InvalidInput", "NotFound", "Forbidden"}
WITHOUT_INPUT = {"logout"}
FOR_EVERYBODY = {
    *("logout", "start_totp", "confirm_totp", "disable_totp", "regenerate_recovery_codes", "change_password"),
    *("logout_everywhere", "revoke_session", "forget_device", "update_my_profile"),
}
"""Mutations of what is one's own: open to everybody who is signed in."""
PAGE = {"edges": "[{}Edge!]!", "nodes": "[{}!]!", "pageInfo": "PageInfo!", "totalCount": "Int!"}
LIST_SIZE = {
    "slicingArguments": '["first", "last"]',
    "sizedFields": '["edges", "nodes"]',
    "assumedSize": "20",
    "requireOneSlicingArgument": "false",
}


def sections(text: str) -> dict[str, DocumentNode]:
    """The skeleton by section: `shared` and one per subgraph."""
    parts = [part.partition("\n") for part in text.split("# == ")[1:]]
    return {name.strip(): parse(body) for name, _, body in parts}


def own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    """The types we wrote: without introspection, federation's own and the specification's scalars."""
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not name.startswith(("_", "federation__", "link__")) and name not in specified_scalar_types
    }


def own_fields(kind: GraphQLObjectType | GraphQLInterfaceType) -> dict[str, GraphQLField]:
    return {name: field for name, field in kind.fields.items() if not name.startswith("_")}


def disagreements(expected: DocumentNode, schema: GraphQLSchema, *, optional: bool = False) -> Iterator[str]:
    """Where a schema differs from a section; `optional` definitions may be absent, but not different."""
    for node in expected.definitions:
        if not isinstance(node, TypeDefinitionNode):
            continue
        kind = schema.type_map.get(node.name.value)
        if kind is None:
            if not optional:
                yield f"{node.name.value}: missing"
        else:
            yield from _type_faults(node, kind)


def _type_faults(node: TypeDefinitionNode, kind: GraphQLNamedType) -> Iterator[str]:
    name = node.name.value
    match node, kind:
        case ObjectTypeDefinitionNode(), GraphQLObjectType():
            missing = {one.name.value for one in node.interfaces or ()} - {one.name for one in kind.interfaces}
            yield from (f"{name}: does not implement {interface}" for interface in sorted(missing))
            yield from _field_faults(name, node.fields or (), kind.fields)
        case InterfaceTypeDefinitionNode(), GraphQLInterfaceType():
            yield from _field_faults(name, node.fields or (), kind.fields)
        case UnionTypeDefinitionNode(), GraphQLUnionType():
            yield from _set_faults(name, {one.name.value for one in node.types or ()}, {one.name for one in kind.types})
        case EnumTypeDefinitionNode(), GraphQLEnumType():
            yield from _set_faults(name, {one.name.value for one in node.values or ()}, set(kind.values))
        case InputObjectTypeDefinitionNode(), GraphQLInputObjectType():
            for value in node.fields or ():
                field = kind.fields.get(value.name.value)
                yield from _value_faults(f"{name}.{value.name.value}", value, field)
        case _:
            yield f"{name}: another kind of type"


def _set_faults(name: str, expected: set[str], given: set[str]) -> Iterator[str]:
    if expected != given:
        yield f"{name}: lacks {sorted(expected - given)}, has {sorted(given - expected)} too many"


def _field_faults(
    name: str, expected: tuple[FieldDefinitionNode, ...], given: Mapping[str, GraphQLField]
) -> Iterator[str]:
    for node in expected:
        where, field = f"{name}.{node.name.value}", given.get(node.name.value)
        if field is None:
            yield f"{where}: missing"
            continue
        exact = not any(directive.name.value == "shape" for directive in node.directives or ())
        if exact and str(field.type) != print_ast(node.type):
            yield f"{where}: {field.type}, not {print_ast(node.type)}"
        wanted = {argument.name.value: argument for argument in node.arguments or ()}
        yield from (f"{where}({extra}): too many" for extra in sorted(set(field.args) - set(wanted)))
        for argument_name, argument in wanted.items():
            yield from _value_faults(f"{where}({argument_name})", argument, field.args.get(argument_name))


def _value_faults(
    where: str, node: InputValueDefinitionNode, given: GraphQLArgument | GraphQLInputField | None
) -> Iterator[str]:
    if given is None:
        yield f"{where}: missing"
        return
    if str(given.type) != print_ast(node.type):
        yield f"{where}: {given.type}, not {print_ast(node.type)}"
    default = print_ast(node.default_value) if node.default_value else None
    if default_of(given) != default:
        yield f"{where}: default {default_of(given)}, not {default}"


def default_of(value: GraphQLArgument | GraphQLInputField) -> str | None:
    """A default as SDL prints it, or None. Null says the same as nothing."""
    default = get_default_value_ast(value)
    return None if default is None or isinstance(default, NullValueNode) else print_ast(default)


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    """Every type, field, argument and enum value without a description."""
    for name, kind in own_types(schema).items():
        if not kind.description and kind not in {schema.query_type, schema.mutation_type, schema.subscription_type}:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, one in kind.values.items() if not one.description)
        elif isinstance(kind, GraphQLInputObjectType):
            yield from (f"{name}.{field}" for field, one in kind.fields.items() if not one.description)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in own_fields(kind).items():
                if not field.description:
                    yield f"{name}.{field_name}"
                yield from (f"{name}.{field_name}({arg})" for arg, one in field.args.items() if not one.description)


def mutation_faults(schema: GraphQLSchema) -> Iterator[str]:
    """One non-null argument `input`; a non-null union with a success and the three errors every mutation may tell."""
    for name, field in own_fields(schema.mutation_type).items() if schema.mutation_type else ():
        arguments = {argument: str(one.type) for argument, one in field.args.items()}
        title = name[0].upper() + name[1:]
        if arguments != ({} if name in WITHOUT_INPUT else {"input": f"{title}Input!"}):
            yield f"{name}: takes {arguments}"
        union = field.type.of_type if isinstance(field.type, GraphQLNonNull) else None
        if not isinstance(union, GraphQLUnionType) or union.name != f"{title}Result":
            yield f"{name}: returns {field.type}"
            continue
        members = {member.name: member for member in union.types}
        if lacking := (ALWAYS | {f"{title}Success"}) - set(members):
            yield f"{name}: lacks {sorted(lacking)}"
        for member in members.values():
            if member.name != f"{title}Success" and "UserError" not in {one.name for one in member.interfaces}:
                yield f"{name}: {member.name} is neither its success nor a UserError"


def connection_faults(schema: GraphQLSchema) -> Iterator[str]:
    """Every connection has the one shape."""
    for name, kind in own_types(schema).items():
        if not name.endswith("Connection") or not isinstance(kind, GraphQLObjectType):
            continue
        node = name.removesuffix("Connection")
        expected = {field: shape.format(node) for field, shape in PAGE.items()}
        given = {field: str(one.type) for field, one in kind.fields.items()}
        if given != expected:
            yield f"{name}: {given}"
        edge = schema.type_map.get(f"{node}Edge")
        edge_fields = {field: str(one.type) for field, one in getattr(edge, "fields", {}).items()}
        if edge_fields != {"cursor": "String!", "node": f"{node}!"}:
            yield f"{node}Edge: {edge_fields}"


def unsized_connections(sdl: str) -> Iterator[str]:
    """Every field that answers a connection says its size to the router's cost rules."""
    for node in parse(sdl).definitions:
        for field in getattr(node, "fields", None) or ():
            if not isinstance(field, FieldDefinitionNode) or not print_ast(field.type).rstrip("!").endswith(
                "Connection"
            ):
                continue
            directives = {directive.name.value: directive for directive in field.directives or ()}
            given = directives.get("listSize")
            said = {one.name.value: print_ast(one.value) for one in given.arguments or ()} if given else {}
            if said != LIST_SIZE:
                yield f"{node.name.value}.{field.name.value}: @listSize {said}"


def unkeyed(expected: DocumentNode, sdl: str) -> Iterator[str]:
    """Entities of the skeleton whose generated type has not the same key."""
    generated = {node.name.value: node for node in parse(sdl).definitions if isinstance(node, ObjectTypeDefinitionNode)}
    for node in expected.definitions:
        if isinstance(node, ObjectTypeDefinitionNode):
            keys = {print_ast(one) for one in node.directives or () if one.name.value == "key"}
            given = generated.get(node.name.value)
            if keys and given and not keys <= {print_ast(one) for one in given.directives or ()}:
                yield f"{node.name.value}: lacks {sorted(keys)}"


def shared_differences(schemas: Mapping[str, GraphQLSchema]) -> Iterator[str]:
    """Inputs, enums and scalars of one name that subgraphs print differently: composition would intersect them."""
    seen: dict[str, tuple[str, str]] = {}
    for subgraph, schema in sorted(schemas.items()):
        for name, kind in own_types(schema).items():
            if isinstance(kind, GraphQLInputObjectType | GraphQLEnumType | GraphQLScalarType | GraphQLInterfaceType):
                first, text = seen.setdefault(name, (subgraph, print_type(kind)))
                if text != print_type(kind):
                    yield f"{name}: {first} and {subgraph} differ"


def doubled_roots(schemas: Mapping[str, GraphQLSchema]) -> Iterator[str]:
    """Root fields that stand in two subgraphs."""
    seen: dict[tuple[str, str], str] = {}
    for subgraph, schema in sorted(schemas.items()):
        for root in filter(None, (schema.query_type, schema.mutation_type, schema.subscription_type)):
            for field in own_fields(root):
                if (first := seen.setdefault((root.name, field), subgraph)) != subgraph:
                    yield f"{root.name}.{field}: {first} and {subgraph}"
