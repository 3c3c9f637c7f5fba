// How much of the graph anybody may ask for in a minute: counted in Valkey, for every router together.

import { createCounters } from './counters.mjs';
import { within } from './proxies.mjs';
import { Refusal } from './refusals.mjs';
import { ADMINISTRATOR_PER_MINUTE, isAdministrator, TENANT_PER_MINUTE, TIERS } from './tiers.mjs';

const WINDOW_MS = 60_000;
const SIGN_INS = new Set(['login', 'refreshToken']);
const SIGN_INS_PER_MINUTE = 300; // of an address; identity counts the failures of an account by itself

/**
 * A function that takes what an operation uses from the counters of its sender and answers the headers that tell what is left.
 * It throws Refusal RATE_LIMITED, and then nothing was taken. What a query uses is taken here where there is room, so a sender can exceed
 * a limit by what another router gives in the moment until it learns of it; what is written, and whoever is refused, is counted
 * exactly. Without Valkey sign-ins are counted in the process and the rest goes on.
 */
export function createRates({ valkey, exempt }) {
  const isExempt = within(exempt);
  const counters = createCounters(valkey);
  const alone = new Map(); // sign-ins by address, while Valkey is away

  return async function take({ operation, tier, cost, claims, tenant, address }) {
    if (isExempt(address)) return {};
    const asked = countersOf({ operation, tier, cost, claims, tenant, address });
    let full;
    if (operation.type !== 'query' || !counters.takeHere(asked)) {
      try {
        full = await counters.take(asked);
      } catch {
        takeAlone(alone, asked.find(({ key }) => key.startsWith('sign_in:')));
        return {};
      }
    }
    const shown = full ?? asked[0];
    const { used, endsAt } = counters.stateOf(shown.key);
    const seconds = Math.max(1, Math.ceil((endsAt - Date.now()) / 1000));
    const headers = {
      'x-ratelimit-limit': String(shown.most),
      'x-ratelimit-remaining': String(Math.max(0, shown.most - used)),
      'x-ratelimit-reset': String(seconds),
    };
    if (!full) return headers;
    throw new Refusal('RATE_LIMITED', {
      data: { seconds },
      extensions: { retryAfter: seconds },
      headers: { ...headers, 'retry-after': String(seconds) },
    });
  };
}

/** The counters an operation takes from; the first is the one that headers tell of. */
function countersOf({ operation, tier, cost, claims, tenant, address }) {
  const { rootFields, type } = operation;
  const asked = rootFields.length;
  const who = claims ? `${claims.tenant_id}:${claims.sub}` : address;
  const isWrite = type === 'mutation';
  const most = isAdministrator(claims) ? ADMINISTRATOR_PER_MINUTE : TIERS[tier][isWrite ? 'writes' : 'reads'];
  const counters = [
    { key: `${isWrite ? 'write' : 'read'}:${who}`, amount: asked, most },
    { key: `cost:${who}`, amount: cost, most: TIERS[tier].costPerMinute },
  ];
  const signIns = rootFields.filter((name) => SIGN_INS.has(name)).length;
  if (signIns > 0) counters.push({ key: `sign_in:${address}`, amount: signIns, most: SIGN_INS_PER_MINUTE });
  if (tenant) counters.push({ key: `tenant:${tenant}`, amount: asked, most: TENANT_PER_MINUTE });
  return counters;
}

function takeAlone(alone, counter) {
  if (!counter) return;
  const now = Date.now();
  for (const [key, { endsAt }] of alone) if (endsAt <= now) alone.delete(key);
  const window = alone.get(counter.key) ?? { used: 0, endsAt: now + WINDOW_MS };
  const seconds = Math.ceil((window.endsAt - now) / 1000);
  if (window.used + counter.amount > counter.most) {
    const headers = { 'retry-after': String(seconds) };
    throw new Refusal('RATE_LIMITED', { data: { seconds }, extensions: { retryAfter: seconds }, headers });
  }
  window.used += counter.amount;
  alone.set(counter.key, window);
}
