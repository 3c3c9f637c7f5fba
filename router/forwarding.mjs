// Plain HTTP paths of the subgraphs, passed on as streams so that one origin serves everything.

import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { Refusal } from './refusals.mjs';

const OWNERS = {
  '.well-known': 'identity',
  oauth: 'identity',
  auth: 'identity',
  account: 'identity',
  unsubscribe: 'notification',
  t: 'notification',
  webhooks: { messages: 'notification' },
  calendar: 'academic',
  verify: 'operations',
  ppdb: 'admission',
};
const DEVELOPMENT_OWNERS = { dev: 'notification' };

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'server',
]);
const BODILESS = new Set(['GET', 'HEAD']);
const IDLE_SOCKET_MS = 4_000; // under uvicorn's 5 s, see gateway.mjs
const HAS_HIDDEN_SEPARATOR = /[\\\u0000-\u001f]|%(2f|5c|00)/i;

/**
 * The subgraph that owns a path, or undefined. Throws Refusal (BAD_REQUEST) for a path that a subgraph could read as
 * another one than we do: dot segments, empty segments, encoded separators, broken escapes.
 */
export function ownerOf(path, settings) {
  const segments = path.slice(1).split('/');
  const isAmbiguous = segments.some((segment, index) => {
    const isLast = index === segments.length - 1;
    return (segment === '' && !isLast) || HAS_HIDDEN_SEPARATOR.test(segment) || /^\.{1,2}$/.test(decoded(segment));
  });
  if (isAmbiguous) throw new Refusal('BAD_REQUEST', { data: { detail: 'path' } });
  const [first, second] = segments;
  if (first === 'files') return Object.hasOwn(settings.subgraphs, second ?? '') ? second : undefined;
  const owners = settings.environment === 'development' ? { ...OWNERS, ...DEVELOPMENT_OWNERS } : OWNERS;
  const owner = Object.hasOwn(owners, first) ? owners[first] : undefined;
  return typeof owner === 'object' ? owner[second] : owner;
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '..'; // a broken escape is as ambiguous as a dot segment
  }
}

/**
 * A function that passes a request on to a subgraph and its answer back, both streamed; a body over `limit` bytes is
 * refused. Nothing is sent twice, and nothing to a subgraph whose circuit is open.
 */
export function createForwarder(settings, { log, metrics, circuits }) {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_SOCKET_MS });
  return function forward(request, response, { owner, requestId, proto, limit, onFailure }) {
    const unavailable = new Refusal('UNAVAILABLE', { extensions: { correlationId: requestId } });
    const leave = entrance(circuits[owner], request);
    if (!leave) {
      metrics.callRefused(owner);
      request.resume(); // or the client, which is still sending, would never read the answer
      onFailure(unavailable);
      return;
    }
    const upstream = begin(new URL(request.url, settings.subgraphs[owner]), request, proto, agent);
    const fail = (refusal) => {
      upstream.destroy();
      if (response.headersSent) response.destroy();
      else onFailure(refusal);
    };
    upstream.setTimeout(settings.upstreamTimeoutMs, () => upstream.destroy(new Error('idle for too long')));
    upstream.on('response', (answer) => {
      leave('well');
      for (const [name, value] of Object.entries(endToEnd(answer.headers))) response.setHeader(name, value);
      response.writeHead(answer.statusCode);
      pipeline(answer, response, () => undefined); // either side going away ends both; nobody is left to be told
    });
    upstream.on('error', (fault) => {
      if (response.destroyed || response.writableEnded) return; // its client has left, or is answered
      leave('failed', fault);
      metrics.upstreamFailed(owner);
      log.error('forwarding_failed', {
        subgraph: owner,
        correlationId: requestId,
        reason: fault.code ?? fault.message,
      });
      fail(unavailable);
    });
    upstream.once('close', () => leave());
    response.once('close', () => upstream.destroy());
    sendBody(request, upstream, limit, () => fail(new Refusal('PAYLOAD_TOO_LARGE')));
  };
}

function begin(target, request, proto, agent) {
  const isSecure = target.protocol === 'https:';
  const send = isSecure ? httpsRequest : httpRequest;
  return send(target, { method: request.method, headers: headersFor(request, proto), ...(isSecure ? {} : { agent }) });
}

/**
 * Admits a forwarded request to a circuit, or answers undefined; the answer tells it how the call went. It counts from when the request
 * is whole: a client that sends slowly, or stops half way, must neither hold a place nor make its subgraph look dead.
 */
function entrance(circuit, request) {
  const isBodiless = BODILESS.has(request.method);
  if (circuit.isRefusing) return undefined;
  let isOver = false;
  let leave = isBodiless ? circuit.enter() : undefined;
  if (!isBodiless) request.once('end', () => isOver || (leave = circuit.enter()));
  return (verdict, fault) => {
    if (isOver) return;
    isOver = true;
    // Who cannot even be reached has failed whatever was still to come.
    if (fault?.syscall === 'connect') leave ??= circuit.enter();
    leave?.(verdict);
  };
}

/**
 * Sends the request's body on. A body that GET or HEAD should not have is not passed on: without framing it would be
 * read as the next request.
 */
function sendBody(request, upstream, limit, onTooLarge) {
  if (BODILESS.has(request.method)) {
    request.resume();
    upstream.end();
    return;
  }
  let received = 0;
  request.on('data', (chunk) => {
    received += chunk.length;
    if (received <= limit) return;
    request.unpipe(upstream);
    request.removeAllListeners('data').resume(); // read to its end, or the client would never read the answer
    onTooLarge();
  });
  request.pipe(upstream);
}

function headersFor(request, proto) {
  const headers = endToEnd(request.headers);
  if (BODILESS.has(request.method)) delete headers['content-length'];
  else if (request.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked';
  return {
    ...headers,
    'x-forwarded-for': request.headers['x-forwarded-for'], // the client's address, see admission.mjs
    'x-forwarded-host': request.headers.host,
    'x-forwarded-proto': proto === 'https' ? 'https' : 'http',
  };
}

function endToEnd(headers) {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const isKept = ([name]) => !HOP_BY_HOP.has(name) && !named.includes(name);
  return Object.fromEntries(Object.entries(headers).filter(isKept));
}
