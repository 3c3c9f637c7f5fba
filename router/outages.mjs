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
  return error.originalError != null || TRANSPORT_CODES.has(error.extensions?.code);
}

/** True when the subgraph may still be working on the request. */
export function isTimeout(error) {
  return error.originalError?.name === 'TimeoutError';
}

/**
 * A gateway plugin that turns every failed upstream call into UNAVAILABLE with a correlation id.
 *
 * It wraps the executor outermost, so it sees what is left after the retry. Errors that the subgraph wrote itself pass
 * as they are, and so does SCHEMA_RELOAD, by which the gateway repeats a query that a reload cut off.
 */
export function useOutages({ log, metrics }) {
  return {
    onSubgraphExecute({ subgraphName, executor, setExecutor }) {
      setExecutor(async function guarded(execution) {
        const admitted = execution.context?.admitted;
        const mask = (error) => {
          if (error.extensions?.code === 'SCHEMA_RELOAD' || !isOutage(error)) return error;
          const correlationId = admitted?.requestId;
          metrics.upstreamFailed(subgraphName);
          log.error('subgraph_unavailable', { subgraph: subgraphName, correlationId, reason: reasonOf(error) });
          const refusal = new Refusal('UNAVAILABLE', { extensions: { subgraph: subgraphName, correlationId } });
          return refusal.toFieldError(admitted?.language, error.path);
        };
        const maskAll = (result) => (result?.errors ? { ...result, errors: result.errors.map(mask) } : result);
        try {
          if (admitted?.late === subgraphName) throw LATE;
          const result = await executor(execution);
          return result?.[Symbol.asyncIterator] ? mapStream(result, maskAll) : maskAll(result);
        } catch (fault) {
          return { errors: [mask(asOutage(fault))] };
        }
      });
    },
  };
}

function asOutage(fault) {
  return fault?.extensions?.code === 'SCHEMA_RELOAD' ? fault : { originalError: fault };
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
