// Where an error stands. The gateway loses the indices of an inner list where a subgraph fails for fields of its items.

import { GraphQLError } from 'graphql';

/**
 * The errors with whole paths: those that share a path without an index are given, in order, the nulls it leads to.
 * Where there are more nulls than errors, it is not known which of them is meant, and the path stays as it is.
 */
export function placed(errors, data) {
  if (!data) return errors;
  const whole = new Set();
  const lost = new Map();
  for (const [index, { path }] of errors.entries()) {
    const key = JSON.stringify(path);
    if (!path || isWhole(path, data)) whole.add(key);
    else if (lost.has(key)) lost.get(key).push(index);
    else lost.set(key, [index]);
  }
  const told = [...errors];
  for (const indices of lost.values()) {
    const nulls = nullsOf(data, errors[indices[0]].path);
    const places = [...nulls].filter((path) => !whole.has(JSON.stringify(path)));
    if (places.length !== indices.length) continue;
    for (const [turn, index] of indices.entries()) {
      const { message, extensions } = errors[index];
      told[index] = new GraphQLError(message, { path: places[turn], extensions });
    }
  }
  return told;
}

function isWhole(path, data) {
  let value = data;
  for (const step of path) {
    if (Array.isArray(value) && typeof step !== 'number') return false;
    value = value?.[step];
  }
  return true;
}

/** The path of every null that this path leads to, with an index wherever it goes through a list without one. */
function* nullsOf(value, path, before = []) {
  if (value === null || value === undefined) yield [...before, ...path];
  if (!value || path.length === 0) return;
  if (Array.isArray(value) && typeof path[0] !== 'number') {
    for (const [index, item] of value.entries()) yield* nullsOf(item, path, [...before, index]);
  } else {
    yield* nullsOf(value[path[0]], path.slice(1), [...before, path[0]]);
  }
}
