// The fast lane: a query that one subgraph answers alone goes there and back as bytes, without being planned or printed.

import { Agent, request as send } from 'node:http';
import { PROPAGATED_HEADERS } from './admission.mjs';

const IDLE_SOCKET_MS = 4_000; // under uvicorn's 5 s, so that no request is written to a socket that is being closed
const JSON_TYPES = /application\/graphql-response\+json|application\/json/;

/**
 * A function that answers a checked operation if it may, and says whether it has. What it does not take goes the normal
 * way: what needs more than one subgraph or is no query, fields that are refused, and every answer that is not whole and well:
 * the gateway asks again, and tells the errors. It also tells that a subgraph's circuit is open.
 */
export function createLane(settings, { metrics, circuits }) {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_SOCKET_MS });
  const tellsCost = settings.environment === 'development';
  const targets = Object.fromEntries(Object.entries(settings.subgraphs).map(([name, url]) => [name, placeOf(new URL(url))]));

  return async function take(request, response, { operation, params, admitted }) {
    const target = operation && targets[operation.owner];
    if (!target || operation.type !== 'query' || request.method !== 'POST') return false;
    if (!isAllowed(operation, admitted.claims)) return false;
    const type = mediaType(request.headers.accept);
    if (type === undefined) return false;
    const leave = circuits[operation.owner].enter();
    if (!leave) return false;
    const upstream = ask(target, request, response, encoded(operation, params));
    admitted.isRepeated = true; // when the gateway asks after this, it is the second time
    const { bytes, isLate } = await answerOf(upstream, settings.upstreamTimeoutMs, leave);
    if (response.destroyed) return true; // nobody waits for it any more
    if (isLate) admitted.late = operation.owner;
    if (!bytes) return false;
    metrics.laneTaken(operation.owner);
    const body = tellsCost ? withExtensions(bytes, { cost: admitted.cost }) : bytes;
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-length': body.length }).end(body);
    return true;
  };

  function ask(target, { headers }, response, body) {
    const given = Object.fromEntries(PROPAGATED_HEADERS.map((name) => [name, headers[name]]).filter(([, value]) => value));
    const upstream = send({
      ...target,
      agent,
      method: 'POST',
      headers: {
        ...given,
        'accept-encoding': 'identity', // it is compressed here, where the client's wish is known
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    response.once('close', () => response.writableFinished || upstream.destroy());
    upstream.end(body);
    return upstream;
  }
}

/** As options of a request, which would take a URL apart each time. */
function placeOf({ hostname, port, pathname, search }) {
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port, path: `${pathname}${search}` };
}

function isAllowed({ needs }, claims) {
  const holds = (scope) => claims.permissions?.includes(scope);
  return needs.every((need) => claims && (need === 'token' || need.any.some((scopes) => scopes.every(holds))));
}

function encoded(operation, { variables, operationName }) {
  const name = operationName ? `,"operationName":${JSON.stringify(operationName)}` : '';
  return `{"query":${operation.encoded},"variables":${JSON.stringify(variables ?? {})}${name}}`;
}

/** An object as JSON with `extensions` in the place of its last bracket. */
function withExtensions(bytes, extensions) {
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from(`,"extensions":${JSON.stringify(extensions)}}`)]);
}

/**
 * The `bytes` of an answer that is whole and well, once all have come; none otherwise, `isLate` when it took too long. The circuit is
 * told by `leave` what is known here: when the call is lost or the answer not plain, the gateway asks again and knows better.
 */
function answerOf(upstream, timeoutMs, leave) {
  return new Promise((resolve) => {
    const end = (answer, verdict) => {
      clearTimeout(timer);
      leave(verdict);
      resolve(answer);
    };
    const timer = setTimeout(() => {
      end({ isLate: true }, 'failed');
      upstream.destroy();
    }, timeoutMs);
    upstream.once('response', (answer) => {
      const chunks = [];
      if (!isPlain(answer)) end({});
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.once('end', () => end({ bytes: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) }, 'well'));
    });
    upstream.on('error', () => end({}));
    upstream.once('close', () => end({}));
  });
}

function isPlain({ statusCode, headers }) {
  return statusCode === 200 && headers['x-graph-whole'] !== undefined;
}

/** As the gateway chooses it: of the two types of GraphQL over HTTP the one that is accepted first; undefined where neither is. */
export function mediaType(accept) {
  if (accept === undefined || /\*\/\*|application\/\*/.test(accept)) return 'application/json';
  return JSON_TYPES.exec(accept)?.[0];
}
