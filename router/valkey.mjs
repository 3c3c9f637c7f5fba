// The connection to Valkey, which may be away: whoever asks learns it at once, and goes on without.

import { createClient, defineScript } from '@redis/client';

const RECONNECT_MS = 500;
const ANSWER_MS = 250; // what takes longer is as good as away
const AVOIDED_MS = 1_000;

/** Several counters of a minute in one step: all are raised, or none and it is told which is full. */
const take = defineScript({
  SCRIPT: `
    local told = {0}
    for place = 1, #KEYS do
      local used = tonumber(redis.call('GET', KEYS[place]) or '0')
      if used + tonumber(ARGV[2 * place]) > tonumber(ARGV[2 * place + 1]) and told[1] == 0 then told[1] = place end
      told[2 * place] = used
      told[2 * place + 1] = redis.call('PTTL', KEYS[place])
    end
    if told[1] ~= 0 then return told end
    for place = 1, #KEYS do
      if tonumber(ARGV[2 * place]) > 0 then
        told[2 * place] = redis.call('INCRBY', KEYS[place], ARGV[2 * place])
        if told[2 * place + 1] < 0 then
          redis.call('PEXPIRE', KEYS[place], ARGV[1])
          told[2 * place + 1] = tonumber(ARGV[1])
        end
      end
    end
    return told`,
  parseCommand(parser, keys, values) {
    parser.pushKeysLength(keys);
    parser.push(...values.map(String));
  },
  transformReply: undefined,
});

/**
 * Opens the connection, which restores itself: `{ take, get, set, close }`. A call rejects when Valkey is away, or slow: then nobody
 * waits for it for a moment, so that a Valkey that hangs costs one request its patience, not each.
 */
export function openValkey(url, { log }) {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout: 0 }, // its own is a signal for each command; `patiently` waits for less
    socket: { connectTimeout: 2_000, reconnectStrategy: () => RECONNECT_MS },
    scripts: { take },
  });
  let isAway = false;
  let avoidedUntil = 0;
  const tell = (reason) => {
    if (!isAway) log.warning('valkey_unavailable', { reason });
    isAway = true;
  };
  client.on('error', (fault) => tell(fault.code ?? fault.name));
  client.on('ready', () => {
    isAway = false;
  });
  client.connect().catch(() => undefined); // told by the event above; it goes on trying

  async function patiently(call) {
    if (Date.now() < avoidedUntil) throw new Error('Valkey is slow');
    let timer;
    const tired = new Promise((_, reject) => {
      timer = setTimeout(() => {
        avoidedUntil = Date.now() + AVOIDED_MS;
        tell('slow');
        reject(new Error('Valkey is slow'));
      }, ANSWER_MS);
    });
    const answer = call();
    answer.catch(() => undefined); // it may fail long after nobody waits any more
    try {
      const value = await Promise.race([answer, tired]);
      isAway = false;
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    take: (keys, values) => patiently(() => client.take(keys, values)),
    get: (key) => patiently(() => client.get(key)),
    set: (key, value, options) => patiently(() => client.set(key, value, options)),
    close: () => client.destroy(),
  };
}
