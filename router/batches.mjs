// Several operations in one request: a JSON array, answered by one of as many in the same order.

import { EventEmitter } from 'node:events';
import { PROPAGATED_HEADERS } from './admission.mjs';
import { mediaType } from './lane.mjs';
import { checkParameters } from './parameters.mjs';
import { Refusal, told } from './refusals.mjs';

/**
 * A function that answers `{ batch, admitted }`, what `readBatch` gave and who asks. Each operation is checked, counted and waits for its
 * turn as if it had come alone; one that is refused leaves its neighbours alone. They are checked in order and run together.
 */
export function createBatches({ gateway, check, takeTurn }) {
  return async function answer(request, response, { batch, admitted }) {
    const type = mediaType(request.headers.accept);
    if (type === undefined) throw malformed('a batch is answered as JSON'); // before anything is run
    const tenant = request.headers['x-tenant-id'];
    const left = new AbortController();
    const asked = { request: asAsked(request, left.signal), admitted };
    const parts = [];
    response.once('close', () => {
      left.abort();
      for (const { turn } of parts) turn.end();
    });
    for (const params of batch) parts.push(await prepared(params, { check, tenant, admitted }));
    if (response.destroyed) return;
    const results = await Promise.all(parts.map((part) => run(part, { gateway, takeTurn, tenant, asked })));
    if (response.destroyed) return;
    const headersOf = (isRefused) => parts.filter((part) => 'refusal' in part === isRefused).map((part) => part.headers);
    const headers = Object.assign({}, ...headersOf(false), ...headersOf(true)); // one that is refused has the last word
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, ...headers });
    response.end(JSON.stringify(results));
  };
}

/** What the gateway reads of the request. It ends with its client, and with it the queries. */
function asAsked({ headers }, signal) {
  const given = PROPAGATED_HEADERS.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]);
  return new Request('http://router/graphql', { method: 'POST', headers: Object.fromEntries(given), signal });
}

/** Stands for the answer of one operation, whose turn ends with it and not with the whole answer. */
class Turn extends EventEmitter {
  destroyed = false;

  end() {
    this.destroyed = true;
    this.emit('close');
  }
}

/** An operation that has been checked, or the refusal that is its answer. */
async function prepared(given, { check, tenant, admitted }) {
  const turn = new Turn();
  try {
    const params = checkParameters(given);
    const checked = await check({ params, claims: admitted.claims, tenant, address: admitted.address });
    if (checked.operation?.type === 'subscription') throw malformed('in a batch there are no subscriptions');
    return { turn, checked, headers: checked.headers };
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    return { turn, refusal: fault, headers: fault.headers };
  }
}

async function run({ turn, checked, refusal }, { gateway, takeTurn, tenant, asked }) {
  const { language } = asked.admitted;
  if (refusal) return { errors: [refusal.toFieldError(language)] };
  try {
    if (!(await takeTurn(checked, tenant, turn))) return undefined; // the client has left
    const admitted = { ...asked.admitted, cost: checked.cost, tier: checked.tier };
    const context = { request: asked.request, params: checked.params, admitted };
    return told(await gateway.getResultForParams(context, context));
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    return { errors: [fault.toFieldError(language)] };
  } finally {
    turn.end();
  }
}

function malformed(detail) {
  return new Refusal('BAD_REQUEST', { data: { detail } });
}
