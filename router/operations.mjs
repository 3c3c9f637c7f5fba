// Operations as they are first seen: parsed, measured, validated and priced once, then known by their text.

import {
  getNamedType,
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  specifiedRules,
  TypeInfo,
  validate,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { costFormula, TooManyFields } from './cost.mjs';
import { measure, MOST, MOST_TOKENS } from './limits.mjs';
import { Refusal } from './refusals.mjs';
import { Remembered } from './remembered.mjs';
import { readSupergraph } from './supergraph.mjs';

const MOST_KNOWN = 2_000; // documents with their operation's name
const LONGEST_KNOWN = 32_768; // characters: what is longer is worked out each time, or a few senders could fill the memory
const CODES = { depth: 'DEPTH_LIMIT', aliases: 'ALIAS_LIMIT', directives: 'DIRECTIVE_LIMIT', rootFields: 'ROOT_FIELD_LIMIT' };

/**
 * The operations of the graph that is served. `serve(supergraph, schema)` takes a new one: the text of the supergraph
 * and what clients may see of it.
 */
export function createOperations() {
  let graph;
  let known = new Remembered(MOST_KNOWN);

  /**
   * An operation of a document, or undefined where the gateway has faults to tell: `{ type, rootFields, costOf(variables) }` with the
   * name of a root field for each time it stands there; `owner`, the subgraph that answers all of it, if there is one; `needs`, what its
   * fields ask of a token; `encoded`, the document as JSON.
   * Throws Refusal for one that is too large.
   */
  function find(text, operationName) {
    if (typeof text !== 'string') return undefined;
    const key = `${operationName ?? ''}\n${text}`;
    const before = known.get(key);
    if (before !== undefined) return opened(before);
    const made = prepare(graph, text, operationName);
    if (key.length <= LONGEST_KNOWN) known.set(key, made);
    return opened(made);
  }

  return {
    find,
    serve(supergraph, schema) {
      graph = { ...readSupergraph(supergraph), visible: schema };
      known = new Remembered(MOST_KNOWN);
    },
  };
}

function opened(made) {
  if (made.refusal) throw made.refusal;
  return made.operation;
}

function prepare(graph, text, operationName) {
  let document;
  try {
    document = parse(text, { maxTokens: MOST_TOKENS });
  } catch (fault) {
    const isTooLong = fault instanceof GraphQLError && fault.message.includes(`more that ${MOST_TOKENS} tokens`);
    return isTooLong ? { refusal: limit('TOKEN_LIMIT', MOST_TOKENS) } : {};
  }
  const operation = getOperationAST(document, operationName ?? undefined);
  if (!operation) return {};
  const measured = measure(document, operation);
  for (const [name, code] of Object.entries(CODES)) {
    if (measured[name] > MOST[name]) return { refusal: limit(code, MOST[name]) };
  }
  if (!graph.visible.getRootType(operation.operation)) return {};
  if (validate(graph.visible, document, specifiedRules, { maxErrors: 1 }).length > 0) return {};
  try {
    const costOf = costFormula(graph, document, operation);
    const rootFields = rootFieldsOf(operation, document);
    const { owner, needs } = demandsOf(graph, document);
    return { operation: { type: operation.operation, rootFields, costOf, owner, needs, encoded: JSON.stringify(text) } };
  } catch (fault) {
    if (!(fault instanceof TooManyFields)) throw fault;
    return { refusal: new Refusal('COST_LIMIT', { data: { estimated: '∞' } }) };
  }
}

/** The one subgraph that has every field of the document, and what each needs: `token`, or `{ any }` of some sets of scopes. */
function demandsOf({ schema, owners }, document) {
  const info = new TypeInfo(schema);
  let among;
  const needs = new Set();
  const Field = ({ name }) => {
    const [parent, field] = [info.getParentType(), info.getFieldDef()];
    if (name.value === '__typename') return;
    const having = name.value.startsWith('__') ? [] : owners.ofField(parent.name, name.value);
    among = among === undefined ? having : among.filter((each) => having.includes(each));
    for (const definition of [field, getNamedType(field.type)]) addNeeds(definition, needs);
  };
  visit(document, visitWithTypeInfo(info, { Field }));
  return { owner: among?.[0], needs: [...needs].map((need) => JSON.parse(need)) };
}

function addNeeds({ astNode }, needs) {
  for (const { name, arguments: given } of astNode?.directives ?? []) {
    if (name.value === 'authenticated') needs.add('"token"');
    if (name.value === 'requiresScopes') needs.add(JSON.stringify({ any: valueFromASTUntyped(given[0].value) }));
  }
}

/** Fragments unfolded: there are few, or the document would have been refused. */
function rootFieldsOf({ selectionSet }, document) {
  return selectionSet.selections.flatMap((node) => {
    if (node.kind === Kind.FIELD) return [node.name.value];
    if (node.kind === Kind.INLINE_FRAGMENT) return rootFieldsOf(node, document);
    const isIt = ({ kind, name }) => kind === Kind.FRAGMENT_DEFINITION && name.value === node.name.value;
    return rootFieldsOf(document.definitions.find(isIt), document);
  });
}

function limit(code, most) {
  return new Refusal(code, { data: { most }, extensions: { allowed: most } });
}
