// What is checked before a request reaches the graph, and the headers it goes on with.

import { randomUUID } from 'node:crypto';
import { languageOf, Refusal } from './refusals.mjs';

/** The tenant of the platform's own accounts, which act on every school. */
export const PLATFORM_TENANT = '00000000-0000-7000-8000-000000000001';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const REQUEST_ID = /^[\w.-]{1,64}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const SINGLE_HEADERS = ['Authorization', 'X-Tenant-Id', 'Idempotency-Key', 'X-Request-Id', 'traceparent'];
const SINGLE_NAMES = new Map(SINGLE_HEADERS.map((name) => [name.toLowerCase(), name]));

/**
 * Headers that only the router sets: a client's own never go on. Nor does any with an underscore, which some servers take for the one
 * with a hyphen.
 */
export const INTERNAL_HEADERS = /^(forwarded|via|x-real-ip|x-forwarded-.*|x-wiyata-.*|x-internal-.*|.*_.*)$/;

/**
 * The headers a subgraph gets of a GraphQL request. Each goes through `propagateHeaders`, so that it is part of the key
 * by which the gateway shares upstream calls.
 */
export const PROPAGATED_HEADERS = [
  'authorization',
  'x-tenant-id',
  'accept-language',
  'idempotency-key',
  'traceparent',
  'tracestate',
  'x-request-id',
  'x-forwarded-for',
];

/**
 * Names a request: keeps a well-formed request id and trace of the client, makes them otherwise, and replaces what
 * only the router may say. `originOf` knows whom to believe about where it comes from. Changes `request.headers` in place and
 * returns `{ requestId, language, address, proto }`.
 */
export function identify(request, originOf) {
  const headers = request.headers;
  const { address, proto } = originOf(request);
  for (const name of Object.keys(headers)) {
    if (INTERNAL_HEADERS.test(name)) delete headers[name];
  }
  if (!REQUEST_ID.test(headers['x-request-id'] ?? '')) headers['x-request-id'] = randomUUID();
  if (!TRACEPARENT.test(headers.traceparent ?? '')) {
    headers.traceparent = newTrace();
    delete headers.tracestate;
  }
  headers['x-forwarded-for'] = address;
  const language = languageOf(headers['accept-language']);
  return { requestId: headers['x-request-id'], language, address, proto };
}

/** Of UUIDs, for Node has their random bits at hand. */
function newTrace() {
  const [trace, span] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', ''));
  return `00-${trace}-${span.slice(16)}-01`;
}

/**
 * Checks token and tenant, and fills in X-Tenant-Id from the token where it is absent.
 * Returns the token's claims, or undefined without a token. Throws Refusal.
 */
export async function admit(request, verify) {
  const twice = givenTwice(request, SINGLE_NAMES);
  if (twice) throw malformed(SINGLE_NAMES.get(twice), 'given more than once');
  const headers = request.headers;
  const tenant = headers['x-tenant-id']?.toLowerCase();
  if (tenant !== undefined && !UUID.test(tenant)) throw malformed('X-Tenant-Id', 'not a UUID');
  const claims = headers.authorization === undefined ? undefined : await verify(bearer(headers.authorization));
  if (claims && tenant !== undefined && tenant !== claims.tenant_id && claims.tenant_id !== PLATFORM_TENANT) {
    throw new Refusal('TENANT_MISMATCH');
  }
  const named = tenant ?? claims?.tenant_id;
  if (named !== undefined) headers['x-tenant-id'] = named;
  return claims;
}

/** The first of these names that a request has twice; `request.headers` shows only one of both. */
export function givenTwice({ rawHeaders }, names) {
  const seen = new Set();
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place].toLowerCase();
    if (seen.has(name)) return name;
    if (names.has(name)) seen.add(name);
  }
  return undefined;
}

function bearer(authorization) {
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new Refusal('UNAUTHENTICATED');
  return token;
}

function malformed(header, detail) {
  return new Refusal('BAD_REQUEST', { data: { detail: `${header} ${detail}` }, extensions: { header } });
}
