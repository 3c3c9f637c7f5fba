// Dear documents wait for their turn, so that dashboards and integrators leave the graph to the apps.

import { Refusal } from './refusals.mjs';
import { TIERS } from './tiers.mjs';

const MOST_RUNNING = 3; // of this router
const MOST_RUNNING_OF_SCHOOL = 1;
const MOST_WAITING = 32;
const MOST_WAITING_OF_SCHOOL = 8;
const PATIENCE_MS = 10_000;
const RETRY_SECONDS = 5;

/**
 * A function that lets an operation wait for its turn: `take(checked, tenant, response)` answers whether it may run now, false when its
 * client has left. What an app may send never waits. The turn ends with the answer, however that ends. Throws Refusal: RATE_LIMITED
 * when the school has too much waiting, UNAVAILABLE when everybody has, or when it took too long.
 */
export function createTurns({ metrics }) {
  const running = [];
  const waiting = [];
  const of = (list, tenant) => list.filter((each) => each.tenant === tenant).length;
  metrics.watchTurns(() => ({ running: running.length, waiting: waiting.length }));

  return function take({ operation, cost }, tenant, response) {
    // An event stream runs for hours; each of its events is small.
    const isDear = operation && operation.type !== 'subscription' && cost.estimated > TIERS.app.cost;
    if (!isDear) return true;
    if (response.destroyed) return false;
    if (of(waiting, tenant) >= MOST_WAITING_OF_SCHOOL) throw later('RATE_LIMITED');
    if (waiting.length >= MOST_WAITING) throw later('UNAVAILABLE');
    return new Promise((resolve, reject) => {
      const turn = { tenant, begin: () => resolve(true) };
      turn.timer = setTimeout(() => {
        remove(waiting, turn);
        reject(later('UNAVAILABLE'));
      }, PATIENCE_MS);
      response.once('close', () => {
        clearTimeout(turn.timer);
        remove(waiting, turn);
        remove(running, turn);
        resolve(false);
        begin();
      });
      waiting.push(turn);
      begin();
    });
  };

  /** Begins those that have waited for longest and whose school has none that runs. */
  function begin() {
    for (const turn of [...waiting]) {
      if (running.length >= MOST_RUNNING) return;
      if (of(running, turn.tenant) >= MOST_RUNNING_OF_SCHOOL) continue;
      remove(waiting, turn);
      running.push(turn);
      clearTimeout(turn.timer);
      turn.begin();
    }
  }
}

function remove(list, one) {
  const place = list.indexOf(one);
  if (place >= 0) list.splice(place, 1);
}

function later(code) {
  const seconds = RETRY_SECONDS;
  const headers = { 'retry-after': String(seconds) };
  return new Refusal(code, { data: { seconds }, extensions: { retryAfter: seconds }, headers });
}
