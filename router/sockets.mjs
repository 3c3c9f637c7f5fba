// WebSockets of clients at /graphql: graphql-transport-ws, subscriptions alone, each checked like any other operation.

import { randomUUID } from 'node:crypto';
import { parse } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { admit, identify } from './admission.mjs';
import { readParameters } from './parameters.mjs';
import { Refusal, told } from './refusals.mjs';
import { millisecondsLeft } from './subscriptions.mjs';

const MOST_FRAME = 64 * 2 ** 10; // bytes of a client's message
const MOST_UNSENT = 2 ** 20; // bytes that a client has not taken
const MOST_OPERATIONS = 20; // of one socket
const MOST_SOCKETS = 10_000;
const INIT_MS = 5_000;
const PING_MS = 12_000;
const LAST_WORD_MS = 250; // for what ends with the token to be told before the socket closes
const END_MS = 2_000;
const SERVICE_RESTART = 1012;
const TRY_LATER = 1013;
const ANY_SUBSCRIPTION = parse('subscription { __typename }'); // graphql-ws wants one to look at; the gateway reads the client's

/**
 * The sockets of one router: `upgrade` is the listener of the HTTP server's event, `close()` ends them all, `size` is how many
 * there are.
 */
export function createSockets(settings, { gateway, originOf, verify, check, log, isStopping }) {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_FRAME,
    perMessageDeflate: false, // costs a window for each of thousands that say little
    autoPong: false, // ours counts what is not taken
    handleProtocols,
  });
  const protocol = makeServer({
    connectionInitWaitTimeout: INIT_MS,
    onConnect: (context) => begin(context, verify),
    onSubscribe: (context, _, payload) => prepare(context, payload, { originOf, verify, check }),
    subscribe: ({ contextValue }) => gateway.getResultForParams(contextValue, contextValue),
    onNext: (...[, , , , result]) => told(result),
  });

  function upgrade(request, socket, head) {
    const refused = refusalOf(request, settings, isStopping() || server.clients.size >= MOST_SOCKETS);
    if (refused) return refuse(socket, refused);
    server.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, { request, protocol, log }));
  }

  const pinging = setInterval(() => server.clients.forEach(ping), PING_MS);
  pinging.unref();

  async function close() {
    clearInterval(pinging);
    const ended = [...server.clients].map((each) => new Promise((resolve) => each.once('close', resolve)));
    for (const each of server.clients) each.close(SERVICE_RESTART, 'SERVICE_RESTART');
    const late = setTimeout(() => server.clients.forEach((each) => each.terminate()), END_MS);
    await Promise.all(ended);
    clearTimeout(late);
  }

  return {
    upgrade,
    close,
    get size() {
      return server.clients.size;
    },
  };
}

/** Why a request may not become a socket. A page of another origin must be one that settings allow. */
function refusalOf(request, { corsOrigins }, isFull) {
  const { origin, host } = request.headers;
  if (request.url.split('?', 1)[0] !== '/graphql') return new Refusal('NOT_FOUND');
  const isOwn = URL.canParse(origin) && new URL(origin).host === host;
  if (origin !== undefined && !isOwn && !corsOrigins.has(origin)) return new Refusal('FORBIDDEN');
  return isFull ? new Refusal('UNAVAILABLE') : undefined;
}

function refuse(socket, refusal) {
  const body = JSON.stringify(refusal.toBody('id'));
  socket.once('error', () => undefined); // a client that is gone
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Joins a socket to the protocol. */
function open(webSocket, { request, protocol, log }) {
  const openedAt = performance.now();
  const requestId = randomUUID();
  const extra = { webSocket, request };
  const drop = () => webSocket.close(TRY_LATER, 'SLOW_CLIENT');
  const isTaking = () => {
    if (webSocket.bufferedAmount > MOST_UNSENT) drop();
    return webSocket.readyState === WebSocket.OPEN;
  };
  extra.drop = drop;
  const closed = protocol.opened(
    {
      protocol: webSocket.protocol,
      // Resolved when the system has taken it: a subscription gives its next result then.
      send: (text) => new Promise((resolve) => (isTaking() ? webSocket.send(text, () => resolve()) : resolve())),
      close: (code, reason) => webSocket.close(code, reason),
      onMessage: (take) => webSocket.on('message', (data, isBinary) => handle(take, data, isBinary)),
    },
    extra,
  );

  async function handle(take, data, isBinary) {
    try {
      if (isBinary) return webSocket.close(CloseCode.BadRequest, 'A message is text');
      await take(data.toString('utf8'));
    } catch (fault) {
      log.error('internal_error', { correlationId: requestId, error: fault.name, at: fault.stack?.split('\n').slice(1, 8) });
      webSocket.close(CloseCode.InternalServerError, 'INTERNAL');
    }
  }

  webSocket.isAlive = true;
  webSocket.on('ping', (data) => isTaking() && webSocket.pong(data));
  webSocket.on('pong', () => {
    webSocket.isAlive = true;
  });
  webSocket.on('error', () => undefined); // ws closes the socket itself, with the code that fits
  webSocket.once('close', (code, reason) => {
    clearTimeout(extra.expiry);
    void closed(code, String(reason));
    log.info('socket', { code, ms: Math.round(performance.now() - openedAt), requestId });
  });
}

/** Ends a socket that has not answered the ping before. */
function ping(webSocket) {
  if (!webSocket.isAlive) return webSocket.terminate();
  webSocket.isAlive = false;
  if (webSocket.readyState === WebSocket.OPEN) webSocket.ping();
}

/** Settles who asks from the payload of `connection_init`: a token that is no good is refused, never left out. */
async function begin({ connectionParams, extra }, verify) {
  try {
    extra.headers = headersOf(connectionParams ?? {});
    const claims = await admit(asking(extra), verify);
    if (!claims) return true;
    const expire = () => extra.webSocket.close(CloseCode.Forbidden, 'TOKEN_EXPIRED');
    extra.expiry = setTimeout(expire, millisecondsLeft(claims) + LAST_WORD_MS);
    return true;
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    extra.webSocket.close(fault.code === 'BAD_REQUEST' ? CloseCode.BadRequest : CloseCode.Forbidden, fault.code);
    return false;
  }
}

const TAKEN = new Set(['authorization', 'x-tenant-id', 'accept-language', 'traceparent', 'tracestate']);

/** The headers that a payload says, none twice. Throws Refusal. */
function headersOf(params) {
  const headers = {};
  for (const [given, value] of Object.entries(params)) {
    const name = given.toLowerCase();
    if (!TAKEN.has(name)) continue;
    if (typeof value !== 'string' || /[^\t\x20-\x7e]/.test(value) || name in headers) {
      throw new Refusal('BAD_REQUEST', { data: { detail: `connection_init: ${name}` } });
    }
    headers[name] = value;
  }
  return headers;
}

/** What a subscription would be as an HTTP request: its own object each time, since admission fills in headers. */
function asking({ headers, request }) {
  return { method: 'POST', url: '/graphql', headers: { ...headers }, rawHeaders: [], socket: request.socket };
}

/** Checks a subscription and hands it to the gateway; answers errors where it is refused. */
async function prepare({ extra, subscriptions }, payload, { originOf, verify, check }) {
  const request = asking(extra);
  const named = identify(request, () => originOf(extra.request));
  const admitted = { ...named, drop: extra.drop };
  try {
    if (Object.keys(subscriptions).length > MOST_OPERATIONS) throw malformed(`more than ${MOST_OPERATIONS} subscriptions`);
    admitted.claims = await admit(request, verify);
    const { query, ...byHash } = payload; // the protocol wants a text: an empty one stands beside a hash
    const params = readParameters(request, JSON.stringify(query === '' ? byHash : payload));
    const tenant = request.headers['x-tenant-id'];
    const checked = await check({ params, claims: admitted.claims, tenant, address: named.address });
    const type = checked.operation?.type ?? 'subscription'; // one with faults is not run, whatever it is
    if (type !== 'subscription') throw malformed('over a WebSocket there are subscriptions alone');
    Object.assign(admitted, { cost: checked.cost, tier: checked.tier });
    const asked = new Request('http://router/graphql', { method: 'POST', headers: request.headers });
    return { document: ANY_SUBSCRIPTION, contextValue: { request: asked, params: checked.params, admitted } };
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    return [fault.toFieldError(named.language)];
  }
}

function malformed(detail) {
  return new Refusal('BAD_REQUEST', { data: { detail } });
}
