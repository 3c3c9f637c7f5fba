// Counters of a minute: kept in Valkey for every router together, and known here, so that not every question waits for Valkey.

import { Remembered } from './remembered.mjs';

const WINDOW_MS = 60_000;
const TOLD_MS = 50; // what was taken here meanwhile is told to Valkey, and what the other routers took is learnt
const MOST_KNOWN = 50_000;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Counters `{ key, amount, most }`. `takeHere(counters)` takes from those that are known here and have room for it, at once; it answers
 * false, and nothing is taken, where one is not known or full. `take(counters)` asks Valkey, whose word is final; it rejects where
 * Valkey is away. Both take from all or from none. `take` answers the one that is full, if any, and both leave `used` and
 * `endsAt` to be read by `stateOf(key)`.
 */
export function createCounters(valkey) {
  const windows = new Remembered(MOST_KNOWN);
  let untold = new Map();

  function takeHere(counters) {
    const now = Date.now();
    const known = counters.map(({ key }) => windows.get(key));
    const hasRoom = counters.every(
      ({ amount, most }, place) => known[place]?.endsAt > now && known[place].used + amount <= most,
    );
    if (!hasRoom) return false;
    if (untold.size === 0) setTimeout(() => tell().catch(() => undefined), TOLD_MS); // without Valkey it counts here alone
    counters.forEach(({ key, amount }, place) => {
      known[place].used += amount;
      untold.set(key, (untold.get(key) ?? 0) + amount);
    });
    return true;
  }

  async function take(counters) {
    tell().catch(() => undefined); // on the same connection: what was taken here before is counted before
    const full = await ask(counters);
    return counters[full - 1];
  }

  async function tell() {
    if (untold.size === 0) return;
    const told = [...untold].map(([key, amount]) => ({ key, amount, most: NO_LIMIT }));
    untold = new Map();
    await ask(told);
  }

  async function ask(counters) {
    const [full, ...figures] = await valkey.take(
      counters.map(({ key }) => `rate:${key}`),
      [WINDOW_MS, ...counters.flatMap(({ amount, most }) => [amount, most])],
    );
    const now = Date.now();
    counters.forEach(({ key }, place) => {
      const [used, endsIn] = figures.slice(2 * place).map(Number);
      windows.set(key, { used: used + (untold.get(key) ?? 0), endsAt: now + (endsIn > 0 ? endsIn : WINDOW_MS) });
    });
    return Number(full);
  }

  return { takeHere, take, stateOf: (key) => windows.get(key) };
}
