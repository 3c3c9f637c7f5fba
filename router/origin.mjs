// The one origin: which part of the router answers a request, and what holds for every answer.

import { createServer } from 'node:http';
import { printSchema } from 'graphql';
import { admit, givenTwice, identify } from './admission.mjs';
import { createBatches } from './batches.mjs';
import { compressAnswers } from './compression.mjs';
import { createForwarder, ownerOf } from './forwarding.mjs';
import { answerGraphiql, isForGraphiql } from './graphiql.mjs';
import { answerCors, setSecurityHeaders } from './headers.mjs';
import { createHealth } from './health.mjs';
import { answerLanding } from './landing.mjs';
import { readBatch, readParameters } from './parameters.mjs';
import { Refusal } from './refusals.mjs';

const HOST_NAME = new Set(['host']);
const HOST = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?$/i;
const MAX_BODY_BYTES = 2 ** 20;
const SLOW_MS = 30_000; // for a client that takes nothing to hear why it is dropped
const MAX_FILE_BYTES = 25 * 2 ** 20; // the largest file that a subgraph takes

/** The HTTP server over `gateway`; the caller listens on it. `isStopping()` makes it not ready. */
export function createOrigin(settings, { gateway, lane, originOf, verify, check, takeTurn, metrics, circuits, log, isStopping }) {
  const health = createHealth(settings, { isStopping });
  const answerBatch = createBatches({ gateway, check, takeTurn });
  const forward = createForwarder(settings, { log, metrics, circuits });
  const isProduction = settings.environment === 'production';
  const isDevelopment = settings.environment === 'development';

  async function answer(request, response, named) {
    if (!request.url.startsWith('/')) throw new Refusal('BAD_REQUEST', { data: { detail: 'request target' } });
    if (givenTwice(request, HOST_NAME)) throw new Refusal('BAD_REQUEST', { data: { detail: 'Host' } });
    if (isProduction && named.proto === 'http') return redirectToHttps(request, response);
    if (answerCors(request, response, settings.corsOrigins)) return 'preflight';
    const path = request.url.split('?', 1)[0];
    if (path === '/graphql') {
      await answerGraph(request, response, named);
      return 'graphql';
    }
    if (path === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(metrics.print());
      return 'metrics';
    }
    if (path === '/' && ['GET', 'HEAD'].includes(request.method)) {
      answerLanding(request, response, isDevelopment);
      return 'landing';
    }
    if (path === '/schema.graphql' && isDevelopment) {
      const schema = printSchema(await gateway.getSchema());
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(schema);
      return 'schema';
    }
    const report = await health(path);
    if (report) {
      answerJson(response, report.status, report.body, { 'cache-control': 'no-store' });
      return 'health';
    }
    const owner = ownerOf(path, settings);
    if (owner === undefined) throw new Refusal('NOT_FOUND');
    const limit = path.startsWith('/files/') ? MAX_FILE_BYTES : MAX_BODY_BYTES;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw new Refusal('PAYLOAD_TOO_LARGE');
    const onFailure = (refusal) => answerRefusal(response, refusal, named.language);
    const { requestId, proto } = named;
    forward(request, response, { owner, requestId, proto, limit, onFailure });
    return `${owner}_http`;
  }

  async function answerGraph(request, response, named) {
    if (!['GET', 'POST'].includes(request.method)) throw new Refusal('METHOD_NOT_ALLOWED');
    if (isDevelopment && isForGraphiql(request)) return answerGraphiql(response);
    compressAnswers(request, response);
    const body = request.method === 'POST' ? await readOperation(request) : undefined;
    const admitted = { ...named, drop: () => setTimeout(() => response.destroy(), SLOW_MS) };
    let params;
    try {
      admitted.claims = await admit(request, verify);
      const batch = readBatch(body);
      if (batch) return await answerBatch(request, response, { batch, admitted });
      const asked = { params: readParameters(request, body), claims: admitted.claims };
      const checked = await check({ ...asked, tenant: request.headers['x-tenant-id'], address: named.address });
      ({ params } = checked);
      Object.assign(admitted, { cost: checked.cost, tier: checked.tier });
      setHeaders(response, checked.headers);
      if (!(await takeTurn(checked, request.headers['x-tenant-id'], response))) return undefined; // its client has left
      if (lane && (await lane(request, response, { ...checked, admitted }))) return undefined;
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      admitted.refusal = fault;
    }
    return gateway.requestListener(request, response, { admitted, params });
  }

  // Whoever offers another protocol (curl: h2c) is answered in this one.
  const shouldUpgradeCallback = ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket';
  return createServer({ shouldUpgradeCallback }, (request, response) => {
    const startedAt = performance.now();
    const named = identify(request, originOf);
    let route = 'refused';
    metrics.requestStarted();
    setSecurityHeaders(response);
    response.setHeader('x-request-id', named.requestId);
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics.requestEnded(route, response.statusCode, seconds);
      log.info('request', {
        route,
        status: response.statusCode,
        ms: Math.round(seconds * 1000),
        requestId: named.requestId,
      });
    });
    answer(request, response, named).then(
      (taken) => {
        route = taken;
      },
      (fault) => {
        const isOurs = !(fault instanceof Refusal);
        if (isOurs)
          log.error('internal_error', {
            correlationId: named.requestId,
            error: fault.name,
            at: fault.stack?.split('\n').slice(1, 8),
          });
        const refusal = isOurs ? new Refusal('INTERNAL', { extensions: { correlationId: named.requestId } }) : fault;
        answerRefusal(response, refusal, named.language);
      },
    );
  });
}

/** Whom a proxy has let in without TLS is sent to where there is some, with method and body. */
function redirectToHttps({ headers, url }, response) {
  if (!HOST.test(headers.host ?? '')) throw new Refusal('BAD_REQUEST', { data: { detail: 'Host' } });
  const host = headers.host.replace(/:\d+$/, ''); // the port of http is not that of https
  response.writeHead(308, { location: `https://${host}${url}`, 'content-length': 0 }).end();
  return 'redirect';
}

/** The body of an operation as text. Only JSON: a form that a foreign page could post without asking is refused. */
async function readOperation(request) {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0].trim().toLowerCase();
  if (mediaType !== 'application/json') throw new Refusal('UNSUPPORTED_MEDIA_TYPE');
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new Refusal('PAYLOAD_TOO_LARGE');
  const chunks = [];
  let received = 0;
  await new Promise((resolve, reject) => {
    request.on('data', (chunk) => {
      received += chunk.length;
      if (received <= MAX_BODY_BYTES) return chunks.push(chunk);
      request.pause(); // not destroyed: the client is still sending and would never read the answer
      return reject(new Refusal('PAYLOAD_TOO_LARGE'));
    });
    request.once('end', resolve);
    request.once('error', () => reject(new Refusal('BAD_REQUEST', { data: { detail: 'body is cut off' } })));
  });
  return Buffer.concat(chunks).toString('utf8');
}

function setHeaders(response, headers) {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function answerRefusal(response, refusal, language) {
  if (response.headersSent) response.destroy(); // cut off: what was begun must not look whole, nor its client wait
  if (response.destroyed) return;
  answerJson(response, refusal.status, refusal.toBody(language));
}

function answerJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}
