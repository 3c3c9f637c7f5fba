// Health: /health and /health/ready ask every subgraph, /health/live answers for this process alone.

const CHECK_TIMEOUT_MS = 2_000;
const CACHED_MS = 1_000; // probes cannot hammer the subgraphs
const CACHED_DOWN_MS = 100; // whoever waits for one that comes back is told soon
const VERSION = '0.1.0';

/** A function from a path to `{ status, body }`, in the form of the subgraphs' health; undefined for other paths. */
export function createHealth(settings, { isStopping }) {
  const probes = Object.entries(settings.subgraphs).map(([name, url]) => [name, cached(() => isReady(url))]);
  const check = async () =>
    Object.fromEntries(await Promise.all(probes.map(async ([name, probe]) => [name, await probe()])));
  return async function health(path) {
    if (!['/health', '/health/live', '/health/ready'].includes(path)) return undefined;
    const ups = path === '/health/live' ? {} : await check();
    const isUp = Object.values(ups).every(Boolean) && !(path === '/health/ready' && isStopping());
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

function cached(check) {
  let freshUntil = 0;
  let result;
  return () => {
    if (Date.now() >= freshUntil) {
      freshUntil = Date.now() + CHECK_TIMEOUT_MS + CACHED_MS; // one check at a time
      result = check().then((isUp) => {
        freshUntil = Date.now() + (isUp ? CACHED_MS : CACHED_DOWN_MS);
        return isUp;
      });
    }
    return result;
  };
}
