// Metrics in Prometheus' text format: requests by route and status, their duration, failed upstream calls, circuits.

import { STATES } from './circuits.mjs';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]; // seconds

/** The counters of one process; `print()` gives the text of /metrics. */
export function createMetrics({ circuits }) {
  const requests = new Map();
  const durations = new Map();
  const upstreamFailures = new Map();
  const refusedCalls = new Map();
  const fast = new Map();
  let inFlight = 0;
  let turns = () => ({});
  let socketsOpen = () => 0;
  const count = (counter, labels) => counter.set(labels, (counter.get(labels) ?? 0) + 1);
  return {
    requestStarted: () => {
      inFlight += 1;
    },
    requestEnded: (route, status, seconds) => {
      inFlight -= 1;
      count(requests, `route="${route}",status="${status}"`);
      const histogram = durations.get(route) ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
      BUCKETS.forEach((bound, index) => {
        if (seconds <= bound) histogram.buckets[index] += 1;
      });
      histogram.sum += seconds;
      histogram.count += 1;
      durations.set(route, histogram);
    },
    countSockets: (count) => {
      socketsOpen = count;
    },
    upstreamFailed: (subgraph) => count(upstreamFailures, `subgraph="${subgraph}"`),
    callRefused: (subgraph) => count(refusedCalls, `subgraph="${subgraph}"`),
    /** `read()` says how many dear documents are running and waiting. */
    watchTurns: (read) => {
      turns = read;
    },
    laneTaken: (subgraph) => count(fast, `subgraph="${subgraph}"`),
    print: () =>
      [
        ...family(
          'wiyata_router_requests_total',
          'counter',
          'Requests answered.',
          samples('wiyata_router_requests_total', requests),
        ),
        ...family(
          'wiyata_router_request_seconds',
          'histogram',
          'Time to the end of the answer.',
          [...durations].flatMap(([route, histogram]) => histogramLines(route, histogram)),
        ),
        ...family(
          'wiyata_router_upstream_failures_total',
          'counter',
          'Subgraph calls without an answer.',
          samples('wiyata_router_upstream_failures_total', upstreamFailures),
        ),
        ...family(
          'wiyata_router_calls_refused_total',
          'counter',
          'Subgraph calls that were not made, since the subgraph fails or has too many.',
          samples('wiyata_router_calls_refused_total', refusedCalls),
        ),
        ...family('wiyata_router_circuit', 'gauge', 'State of the circuit breaker of a subgraph.', circuitLines(circuits)),
        ...family(
          'wiyata_router_calls_under_way',
          'gauge',
          'Subgraph calls that are waited for.',
          Object.entries(circuits).map(([name, { underWay }]) => `wiyata_router_calls_under_way{subgraph="${name}"} ${underWay}`),
        ),
        ...family(
          'wiyata_router_fast_lane_total',
          'counter',
          'Operations whose answer a subgraph gave as it went out.',
          samples('wiyata_router_fast_lane_total', fast),
        ),
        ...family(
          'wiyata_router_dear_documents',
          'gauge',
          'Documents dearer than those of apps.',
          Object.entries(turns()).map(([state, value]) => `wiyata_router_dear_documents{state="${state}"} ${value}`),
        ),
        ...family('wiyata_router_requests_in_flight', 'gauge', 'Requests being answered.', [
          `wiyata_router_requests_in_flight ${inFlight}`,
        ]),
        ...family('wiyata_router_sockets', 'gauge', 'WebSockets of clients.', [`wiyata_router_sockets ${socketsOpen()}`]),
        ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [
          `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
        ]),
        '',
      ].join('\n'),
  };
}

function family(name, type, help, lines) {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

function circuitLines(circuits) {
  return Object.entries(circuits).flatMap(([name, { state }]) =>
    STATES.map((each) => `wiyata_router_circuit{subgraph="${name}",state="${each}"} ${Number(each === state)}`),
  );
}

function samples(name, counter) {
  return [...counter].map(([labels, value]) => `${name}{${labels}} ${value}`);
}

function histogramLines(route, { buckets, sum, count }) {
  const name = 'wiyata_router_request_seconds';
  return [
    ...buckets.map((value, index) => `${name}_bucket{route="${route}",le="${BUCKETS[index]}"} ${value}`),
    `${name}_bucket{route="${route}",le="+Inf"} ${count}`,
    `${name}_sum{route="${route}"} ${sum}`,
    `${name}_count{route="${route}"} ${count}`,
  ];
}
