// The supergraph as the router reads it beside the gateway: which subgraph has a field, and what is said of its cost.

import { buildASTSchema, Kind, parse, valueFromASTUntyped } from 'graphql';

/**
 * The graph of a supergraph's text: `schema` with its directives, and `owners.ofField(type, field)`, the subgraphs
 * that can answer it. What clients may see of it is the gateway's to say.
 */
export function readSupergraph(text) {
  const document = parse(text, { noLocation: true });
  const schema = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  const ofFields = new Map();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const ofType = graphsOf(definition, 'join__type');
    for (const field of definition.fields ?? []) {
      const said = graphsOf(field, 'join__field');
      ofFields.set(`${definition.name.value}.${field.name.value}`, said.length > 0 ? said : ofType);
    }
  }
  return { schema, owners: { ofField: (type, field) => ofFields.get(`${type}.${field}`) ?? [] } };
}

/** The subgraphs that a definition names by a directive; an external field is another's. */
function graphsOf(definition, name) {
  return (definition.directives ?? [])
    .filter((directive) => directive.name.value === name)
    .map((directive) => Object.fromEntries(directive.arguments.map((each) => [each.name.value, valueFromASTUntyped(each.value)])))
    .filter(({ graph, external }) => graph !== undefined && !external)
    .map(({ graph }) => graph.toLowerCase()); // the join spec's spelling of a subgraph's name
}
