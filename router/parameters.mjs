// The parameters of a GraphQL request: from a JSON body, or from the query of its URL.

import { Refusal } from './refusals.mjs';

/** Of one batch. */
export const MOST_OPERATIONS = 10;
const MOST_NESTING = 100; // of brackets in a document or of values, as in the subgraphs
const TEXTS = ['query', 'operationName', 'documentId'];
const OBJECTS = ['variables', 'extensions'];

/** Reads `{ query, variables, operationName, extensions, documentId }`; `body` is the text of a POST. Throws Refusal. */
export function readParameters(request, body) {
  return checkParameters(request.method === 'POST' ? parsed(body, 'body') : fromUrl(request.url));
}

/** The operations of a body that is a batch of 1 to 10, each still to be checked; undefined where it is none. Throws Refusal. */
export function readBatch(body) {
  if (body === undefined || !/^\s*\[/.test(body)) return undefined;
  const batch = parsed(body, 'body');
  if (batch.length === 0) throw malformed('a batch holds at least one operation');
  if (batch.length > MOST_OPERATIONS) {
    throw new Refusal('BATCH_LIMIT', { data: { most: MOST_OPERATIONS }, extensions: { allowed: MOST_OPERATIONS } });
  }
  return batch;
}

/** What a client gave, as it is, if those are parameters. Throws Refusal. */
export function checkParameters(params) {
  if (params === null || typeof params !== 'object' || Array.isArray(params)) throw malformed('it is not a JSON object');
  if (TEXTS.some((name) => !['undefined', 'string'].includes(typeof (params[name] ?? undefined)))) {
    throw malformed(`${TEXTS.join(', ')} are texts`);
  }
  if (OBJECTS.some((name) => typeof (params[name] ?? {}) !== 'object' || Array.isArray(params[name]))) {
    throw malformed(`${OBJECTS.join(' and ')} are objects`);
  }
  if ((params.query ?? params.documentId ?? params.extensions?.persistedQuery ?? null) === null) {
    throw malformed('it has no query');
  }
  // Parser and planner recurse; what a client nests must end before the stack does.
  if (nestsDeeper(params, MOST_NESTING) || documentNesting(params.query) > MOST_NESTING) {
    throw malformed('it is nested too deeply');
  }
  return params;
}

function fromUrl(url) {
  const given = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const params = {};
  for (const name of TEXTS) if (given.has(name)) params[name] = given.get(name);
  for (const name of OBJECTS) if (given.has(name)) params[name] = parsed(given.get(name), name);
  return params;
}

function parsed(text, name) {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(`${name} is not JSON`);
  }
}

function nestsDeeper(value, levels) {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}

function documentNesting(document) {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of String(document).matchAll(/[[({\])}]/g)) {
    depth += '[({'.includes(bracket) ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function malformed(detail) {
  return new Refusal('BAD_REQUEST', { data: { detail } });
}
