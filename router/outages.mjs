// Subgraphs that fail: what the client is told, and what goes to the log instead.

import { Refusal } from './refusals.mjs';

/** Codes the gateway itself gives to an answer that is no GraphQL answer. */
const TRANSPORT_CODES = new Set([
  'SUBREQUEST_HTTP_ERROR',
  'RESPONSE_VALIDATION_FAILED',
  'TIMEOUT_ERROR',
  'GATEWAY_TIMEOUT',
]);

/** A subgraph that let the fast lane wait too long is not asked the same again. */
const LATE = Object.assign(new Error('late'), { name: 'TimeoutError' });

/** True for an error that comes from the way to a subgraph, not from the subgraph's own GraphQL answer. */
export function isOutage(error) {
  const code = error.extensions?.code;
  return code !== 'SCHEMA_RELOAD' && (error.originalError != null || TRANSPORT_CODES.has(code));
}

/** True when the subgraph may still be working on the request. */
export function isTimeout(error) {
  return error.originalError?.name === 'TimeoutError';
}

/**
 * A gateway plugin that turns every failed upstream call into UNAVAILABLE with a correlation id, and sends nothing to a subgraph
 * whose circuit is open.
 *
 * It wraps the executor outermost, so it sees what is left after the retry. Errors that the subgraph wrote itself pass
 * as they are, and so does SCHEMA_RELOAD, by which the gateway repeats a query that a reload cut off. What became of an answer
 * without any data is kept as `admitted.nulled`: the gateway loses it where another field of the same answer comes first.
 */
export function useOutages({ log, metrics, circuits }) {
  return {
    onSubgraphExecute({ subgraphName, executor, setExecutor }) {
      const circuit = circuits[subgraphName];
      setExecutor(async function guarded(execution) {
        const { admitted } = execution.context ?? {};
        const unavailable = (path) => {
          const extensions = { subgraph: subgraphName, correlationId: admitted?.requestId };
          return new Refusal('UNAVAILABLE', { extensions }).toFieldError(admitted?.language, path);
        };
        const mask = (error) => {
          if (!isOutage(error)) return error;
          if (!hasLeft(execution)) {
            metrics.upstreamFailed(subgraphName);
            const correlationId = admitted?.requestId;
            log.error('subgraph_unavailable', { subgraph: subgraphName, correlationId, reason: reasonOf(error) });
          }
          return unavailable(error.path);
        };
        const maskAll = (result) => (result?.errors ? { ...result, errors: result.errors.map(mask) } : result);
        if (admitted?.late === subgraphName) return maskAll(failed(LATE)); // the fast lane has told the circuit
        const leave = enter(circuit, execution);
        if (!leave) {
          metrics.callRefused(subgraphName);
          return { errors: [unavailable()] };
        }
        const result = await (async () => executor(endedWithClient(execution)))().catch(failed);
        if (result?.[Symbol.asyncIterator]) return mapStream(result, maskAll);
        leave(hasLeft(execution) ? undefined : result?.errors?.some(isOutage) ? 'failed' : 'well');
        const told = maskAll(result);
        if (admitted && told?.data === null) admitted.nulled = [...(admitted.nulled ?? []), ...(told.errors ?? [])];
        return told;
      });
    },
  };
}

/** Subscriptions are no calls that end well or badly: they are only kept from a subgraph that is known to fail. */
function enter(circuit, { operationType }) {
  if (operationType !== 'subscription') return circuit.enter();
  return circuit.isRefusing ? undefined : () => undefined;
}

/** A query ends when nobody waits for it; what a mutation has begun is finished, or of several some would be done. */
function endedWithClient(execution) {
  if (execution.operationType !== 'query') return execution;
  return { ...execution, signal: execution.context?.request?.signal };
}

/** True when the client is gone, and its call was cut off for that alone. */
function hasLeft({ context }) {
  return context?.request?.signal?.aborted ?? false;
}

function failed(fault) {
  return { errors: [fault?.extensions?.code === 'SCHEMA_RELOAD' ? fault : { originalError: fault }] };
}

function reasonOf(error) {
  const cause = error.originalError;
  return cause?.code ?? cause?.cause?.code ?? cause?.name ?? error.extensions?.code;
}

/** The stream with `change` applied to each item; a stream that breaks ends with one UNAVAILABLE item. */
function mapStream(stream, change) {
  return {
    [Symbol.asyncIterator]() {
      const source = stream[Symbol.asyncIterator]();
      return {
        next: () =>
          source.next().then(
            (item) => (item.done ? item : { done: false, value: change(item.value) }),
            (fault) => ({ done: false, value: change({ errors: [{ originalError: fault }] }) }),
          ),
        return: (value) => source.return?.(value) ?? Promise.resolve({ done: true, value }),
        throw: (fault) => source.throw?.(fault) ?? Promise.reject(fault),
      };
    },
  };
}
