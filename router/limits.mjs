// What a document may be, whoever sends it: counted in its text, before it is validated or planned.

import { Kind } from 'graphql';

/** The most that a document may have of each; fragments count wherever they are spread. */
export const MOST = { depth: 12, aliases: 30, directives: 20, rootFields: 20 };
export const MOST_TOKENS = 2_000;
const INTROSPECTION = new Set(['__schema', '__type']); // its own depth is limited when the document is validated

/**
 * What an operation of a document has: `{ depth, aliases, directives, rootFields }`. Each fragment is counted once and
 * multiplied, so that a few lines cannot unfold to a million. A fragment within itself counts nothing: no valid document has one.
 */
export function measure(document, operation) {
  const fragments = new Map(
    document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]),
  );
  const measured = new Map();
  const nothing = { depth: 0, aliases: 0, directives: 0, rootFields: 0 };

  function ofFragment(name) {
    if (!measured.has(name)) {
      measured.set(name, nothing);
      const fragment = fragments.get(name);
      if (fragment) measured.set(name, add(ofSelections(fragment.selectionSet), { directives: fragment.directives.length }));
    }
    return measured.get(name);
  }

  function ofSelections(selectionSet) {
    return (selectionSet?.selections ?? []).map(ofSelection).reduce(add, nothing);
  }

  function ofSelection(node) {
    const own = { directives: node.directives.length };
    if (node.kind === Kind.FRAGMENT_SPREAD) return add(ofFragment(node.name.value), own);
    if (node.kind === Kind.INLINE_FRAGMENT) return add(ofSelections(node.selectionSet), own);
    const below = INTROSPECTION.has(node.name.value) ? nothing : ofSelections(node.selectionSet);
    return { ...add(below, { ...own, aliases: node.alias ? 1 : 0 }), depth: below.depth + 1, rootFields: 1 };
  }

  return add(ofSelections(operation.selectionSet), { directives: operation.directives.length });
}

function add(one, other) {
  return {
    depth: Math.max(one.depth, other.depth ?? 0),
    aliases: one.aliases + (other.aliases ?? 0),
    directives: one.directives + (other.directives ?? 0),
    rootFields: one.rootFields + (other.rootFields ?? 0),
  };
}
