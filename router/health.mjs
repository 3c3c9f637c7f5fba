// Health: /health and /health/ready ask every subgraph, /health/live answers for this process alone.

import { ESSENTIAL } from './subgraphs.mjs';

const CHECK_TIMEOUT_MS = 1_000; // who asks us waits for two seconds
const CACHED_MS = 1_000; // probes cannot hammer the subgraphs
const CACHED_DOWN_MS = 100; // whoever waits for one that comes back is told soon
const MOST_FAILURES = 3; // in a row, until one that was up counts as down
const REPEATED_MS = 300;
const VERSION = '0.1.0';

/**
 * A function from a path to `{ status, body }`, in the form of the subgraphs' health; undefined for other paths. /health is down with any
 * subgraph, /health/ready with an essential one: without another the rest of the graph is still worth asking.
 */
export function createHealth(settings, { isStopping }) {
  const probes = Object.entries(settings.subgraphs).map(([name, url]) => [name, steady(() => isReady(url))]);
  const check = async () =>
    Object.fromEntries(await Promise.all(probes.map(async ([name, probe]) => [name, await probe()])));
  return async function health(path) {
    if (!['/health', '/health/live', '/health/ready'].includes(path)) return undefined;
    const ups = path === '/health/live' ? {} : await check();
    const matters = ([name]) => path === '/health' || ESSENTIAL.includes(name);
    const areUp = Object.entries(ups)
      .filter(matters)
      .every(([, up]) => up);
    const isUp = areUp && !(path === '/health/ready' && isStopping());
    const checks = Object.fromEntries(Object.entries(ups).map(([name, up]) => [name, up ? 'ok' : 'down']));
    const body = { status: isUp ? 'ok' : 'down', timestamp: new Date().toISOString(), version: VERSION, checks };
    return { status: isUp ? 200 : 503, body };
  };
}

async function isReady(url) {
  try {
    const answer = await fetch(new URL('/health/ready', url), { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false; // unreachable, slow or broken: down all the same
  }
}

/**
 * The check with a memory: one at a time, and one that was up is down only when it failed some times in a row, so that a pause of
 * a moment takes no router away. Those further times do not wait to be asked for.
 */
function steady(check) {
  let freshUntil = 0;
  let failures = 0;
  let wasUp = false;
  let result;
  const ask = () => {
    freshUntil = Infinity;
    const asked = check().then((isUp) => {
      failures = isUp ? 0 : failures + 1;
      const isDoubtful = !isUp && wasUp && failures < MOST_FAILURES;
      wasUp = isUp || isDoubtful;
      if (isDoubtful) setTimeout(() => void ask(), REPEATED_MS).unref();
      else freshUntil = Date.now() + (isUp ? CACHED_MS : CACHED_DOWN_MS);
      return wasUp;
    });
    // While it is asked once more, what was known holds.
    if (failures > 0 && wasUp) asked.then(() => (result = asked));
    else result = asked;
    return result;
  };
  return () => (Date.now() < freshUntil ? result : ask());
}
