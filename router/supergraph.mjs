// The supergraph as the router reads it beside the gateway: which subgraph has a field, and what is said of its cost.

import { readFile } from 'node:fs/promises';
import { buildASTSchema, buildSchema, Kind, parse, valueFromASTUntyped } from 'graphql';

/**
 * A function that answers the text of a supergraph's file, as it is then. One that cannot be served is told once, and the text before it
 * stays: the runtime would try it again with every request. Rejects when there is none before it.
 */
export function createSource(path, { log }) {
  let served;
  let refused;
  return async function read() {
    let given;
    try {
      given = await readFile(path, 'utf8');
      if (given === refused) return served;
      if (given !== served) mustBeSupergraph(given);
      served = given;
      refused = undefined;
    } catch (fault) {
      if (served === undefined) throw fault;
      const seen = given ?? fault.code;
      if (seen !== refused) log.error('supergraph_refused', { reason: fault.code ?? fault.message.split('\n', 1)[0] });
      refused = seen;
    }
    return served;
  };
}

/** Throws for what is none, or only the beginning of one that is being written. */
function mustBeSupergraph(text) {
  if (!buildSchema(text).getType('join__Graph')) throw new Error('it names no subgraphs');
}

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
