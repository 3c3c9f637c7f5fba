// The GraphQL gateway: Hive Gateway's runtime, with settings where its defaults are wrong for us (README, Decisions).

import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import http from '@graphql-mesh/transport-http';
import { GraphQLError, isObjectType, Kind, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { PROPAGATED_HEADERS } from './admission.mjs';
import { directiveRules, useRefusedFields } from './directives.mjs';
import { isOutage, isTimeout, useOutages } from './outages.mjs';
import { placed } from './places.mjs';
import { Refusal } from './refusals.mjs';
import { subscriptionTransport } from './subscriptions.mjs';
import { createSource } from './supergraph.mjs';

const RELOAD_MS = 1_000; // how often the supergraph's file is looked at
const DRAIN_MS = 30_000; // how long requests under way may keep a replaced supergraph
const RETRY_DELAY_MS = 50;
const BATCHED = /^_v\d+_/; // what the gateway puts before the keys of root fields that it asks for together
const VARY = 'Accept, Accept-Language, Authorization, X-Tenant-Id';
const IDLE_SOCKET_MS = 4_000; // under uvicorn's 5 s, so that no request is written to a socket that is being closed

/**
 * The gateway's request listener, with `getSchema()` and disposal. The caller hands over `{ admitted, params }`, and learns by
 * `onServed(supergraph, schema)` what is served.
 *
 * They are part of the context, where the gateway also puts every subgraph by its name: none of ours may be one of those.
 */
export function createGateway(settings, { log, metrics, circuits, onServed }) {
  const read = createSource(settings.supergraph, { log });
  let supergraph;
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_SOCKET_MS });
  const terminationListeners = ['SIGTERM', 'SIGINT'].map((signal) => [signal, process.listeners(signal)]);
  const gateway = createGatewayRuntime({
    supergraph: async () => {
      supergraph = await read();
      return supergraph;
    },
    pollingInterval: RELOAD_MS,
    gracefulSchemaReload: { drainTimeout: DRAIN_MS },
    transports: {
      http: { getSubgraphExecutor: (given) => sparing(http.getSubgraphExecutor(given)) },
      ws: subscriptionTransport(propagated),
    },
    transportEntries: transportEntries(settings),
    customAgent: () => agent,
    propagateHeaders: { fromClientToSubgraphs: ({ request }) => propagated(request.headers) },
    upstreamRetry: ({ executionRequest: { operationType, context } }) =>
      operationType === 'query' && !context?.admitted?.isRepeated ? QUERY_RETRY : undefined,
    genericAuth: directiveRules,
    disableIntrospection: {
      disableIf: ({ context }) => settings.environment === 'production' && !context.admitted?.claims,
    },
    subgraphErrors: false, // would write a code over the subgraph's own silence; useOutages names the subgraph
    maskedErrors: { maskError },
    requestId: false, // admission.mjs names requests, so that the id is propagated like every other header
    logging: false, // its lines carry upstream bodies; ours do not
    cors: false,
    graphiql: false,
    landingPage: false,
    graphqlEndpoint: '/graphql',
    plugins: () => [
      useServedSchema(onServed, () => supergraph),
      useGivenRequest(),
      useEtags(),
      useKnownOperations(),
      useOutages({ log, metrics, circuits }),
      useRefusedFields(),
      useErrorCodes({ log }),
      ...(settings.environment === 'development' ? [useToldCost()] : []),
    ],
  });
  // The runtime looks only when it is asked something; what goes by the fast lane does not ask it.
  const refresh = async () => gateway.getSchema();
  setInterval(() => void refresh().catch(() => undefined), RELOAD_MS).unref();
  // The runtime ends all upstream calls the moment a termination signal comes; server.mjs lets them finish first.
  for (const [signal, before] of terminationListeners) {
    for (const listener of process.listeners(signal)) {
      if (!before.includes(listener)) process.removeListener(signal, listener);
    }
  }
  return gateway;
}

function transportEntries({ subgraphs, upstreamTimeoutMs }) {
  const located = Object.entries(subgraphs).map(([name, location]) => [name, { location }]);
  const options = {
    // Every request has its own trace and request id in the key, so nothing could be shared but the price of copying.
    deduplicateInflightRequests: false,
    timeout: upstreamTimeoutMs, // of HTTP calls, to the last byte; subscriptions go by WebSocket and have none
    subscriptions: { kind: 'ws' },
  };
  return { ...Object.fromEntries(located), '*.http': { options } };
}

function propagated(headers) {
  return Object.fromEntries(
    PROPAGATED_HEADERS.map((name) => [name, headers.get(name)]).filter(([, value]) => value !== null),
  );
}

/** The executor over copies: it takes the headers off the request it is given, and the retry sends that one again. */
function sparing(executor) {
  return new Proxy(executor, { apply: (execute, self, [request]) => execute.call(self, { ...request }) });
}

const QUERY_RETRY = {
  maxRetries: 1,
  retryDelay: RETRY_DELAY_MS,
  // A subgraph's own errors are its answer, and one that is slow would only be asked twice.
  shouldRetry: ({ executionResult }) =>
    executionResult?.errors?.some((error) => isOutage(error) && !isTimeout(error)) ?? false,
};

/** Takes what the HTTP layer has already settled: the parameters, or the refusal that is the answer. */
function useGivenRequest() {
  const nothing = { query: '{ __typename }' };
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      setRequestParser(() => serverContext.params ?? nothing);
    },
    onParams({ context, setResult }) {
      const { refusal, language } = context.admitted;
      if (refusal) setResult({ errors: [refusal.toGraphQLError(language)] });
    },
  };
}

/** Gives an answer to a GET an ETag, and answers 304 when the client has it. It is a weak one: the same in every coding. */
function useEtags() {
  return {
    async onResponse({ request, response, setResponse, fetchAPI }) {
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      if (request.method !== 'GET' || response.status !== 200 || !isJson) return;
      const body = await response.text();
      const etag = `W/"${createHash('sha256').update(body).digest('base64url')}"`;
      const headers = { ...Object.fromEntries(response.headers), etag, 'cache-control': 'private, no-cache', vary: VARY };
      const known = (request.headers.get('if-none-match') ?? '').split(',').map((each) => each.trim());
      const isKnown = known.includes('*') || known.some((each) => each.replace(/^W\//, '') === etag.slice(2));
      setResponse(isKnown ? new fetchAPI.Response(null, { status: 304, headers }) : new fetchAPI.Response(body, { headers }));
    },
  };
}

/** Tells developers what their operation was estimated to cost, beside the answer. */
function useToldCost() {
  return {
    onExecutionResult({ result, setResult, context }) {
      const { cost } = context.admitted;
      if (cost && result?.data !== undefined) setResult({ ...result, extensions: { ...result.extensions, cost } });
    },
  };
}

/** Tells `onServed` of every supergraph that takes over, with its text. */
function useServedSchema(onServed, read) {
  return {
    onSchemaChange({ schema }) {
      onServed(read(), schema);
    },
  };
}

/**
 * Refuses an operation the graph has no root type for: the gateway's own auth rule would trip over it. What stands in an inline
 * fragment for no reason is written without it: of `{ pages { ... { __typename } } }` the gateway would make nothing.
 */
function useKnownOperations() {
  let schema;
  return {
    onSchemaChange({ schema: current }) {
      schema = current;
    },
    onParse({ context }) {
      return ({ result, replaceParseResult }) => {
        const unknown = result.definitions?.find(
          ({ kind, operation }) => kind === Kind.OPERATION_DEFINITION && schema && !schema.getRootType(operation),
        );
        if (!unknown) {
          if (schema && result.definitions) replaceParseResult(withoutIdleFragments(schema, result));
          return;
        }
        const refusal = new Refusal('BAD_REQUEST', { data: { detail: `the graph has no ${unknown.operation}` } });
        replaceParseResult(refusal.toGraphQLError(context.admitted.language));
      };
    },
  };
}

/** The document without inline fragments that hold of every object where they stand. */
function withoutIdleFragments(schema, document) {
  const info = new TypeInfo(schema);
  const isIdle = ({ kind, directives }) => kind === Kind.INLINE_FRAGMENT && directives.length === 0;
  const unfolded = (selections) =>
    selections.flatMap((each) => (isIdle(each) ? unfolded(each.selectionSet.selections) : [each]));
  const SelectionSet = (node) => {
    // What stands on an object is of that object: a fragment on another type would be invalid.
    if (!isObjectType(info.getParentType()) || !node.selections.some(isIdle)) return undefined;
    return { ...node, selections: unfolded(node.selections) };
  };
  return visit(document, visitWithTypeInfo(info, { SelectionSet }));
}

const causes = new WeakMap();

/** What is no GraphQL error by origin is a fault of ours: the client learns nothing of it. */
function maskError(error) {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  if (cause instanceof GraphQLError) return error;
  const masked = new GraphQLError('INTERNAL', { path: error.path, extensions: { code: 'INTERNAL' } });
  causes.set(masked, cause);
  return masked;
}

/** The gateway's own codes for a document that cannot be run; a variable that does not fit has none at all. */
const CODES_OF_BAD_DOCUMENTS = new Set([
  undefined,
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
]);

/**
 * True when a subgraph had no row for a reference, so that the fields it owns are missing. What is absent or hidden
 * from the actor is null by convention, up to the next nullable field: no error. A subgraph that failed has one of its own.
 */
function isAbsence(cause) {
  return cause?.message?.startsWith('Cannot return null for non-nullable field') ?? false;
}

/** True when the gateway has made nothing of a document that is valid. */
function isLost(error) {
  return error.extensions?.CRITICAL_ERROR === true && error.extensions.code === undefined;
}

/** The errors with which a subgraph has taken all data, but for those that are told already. */
function unheard(nulled, told) {
  const places = new Set(told.map(({ path }) => JSON.stringify(path)));
  return (nulled ?? [])
    .filter(({ path }) => path !== undefined && path[0] !== '_entities')
    .map(({ message, path: [key, ...below], extensions }) => {
      const path = [key.replace(BATCHED, ''), ...below];
      return new GraphQLError(message, { path, extensions });
    })
    .filter(({ path }) => !places.has(JSON.stringify(path)));
}

/** Gives the gateway's own errors the codes of our catalogue, and INTERNAL its text and correlation id. */
function useErrorCodes({ log }) {
  return {
    onExecutionResult({ result, setResult, context }) {
      if (!result?.errors) return;
      const { requestId: correlationId, language, nulled } = context.admitted;
      const recode = (error) => {
        if (causes.has(error) || isLost(error)) {
          const cause = causes.get(error) ?? error;
          log.error('internal_error', { correlationId, error: cause?.name, at: cause?.stack?.split('\n').slice(1, 8) });
          return new Refusal('INTERNAL', { extensions: { correlationId } }).toFieldError(language, error.path);
        }
        if (result.data === undefined && CODES_OF_BAD_DOCUMENTS.has(error.extensions.code))
          error.extensions.code = 'BAD_REQUEST';
        return error;
      };
      const { errors: given, ...rest } = result;
      const lost = unheard(nulled, given);
      const isHollow = (error) => isAbsence(causes.get(error)) && (result.data || lost.length > 0);
      const errors = [...given.filter((error) => !isHollow(error)), ...lost].map(recode);
      setResult({ ...rest, ...(errors.length > 0 && { errors: placed(errors, result.data) }) });
    },
  };
}
