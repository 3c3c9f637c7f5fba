// The router's process: `node router/server.mjs`, configured by WIYATA_* alone.

import { createChecks } from './checks.mjs';
import { createCircuits } from './circuits.mjs';
import { createDocuments, readRegistered } from './documents.mjs';
import { createGateway } from './gateway.mjs';
import { createLane } from './lane.mjs';
import { createLog } from './log.mjs';
import { createMetrics } from './metrics.mjs';
import { createOperations } from './operations.mjs';
import { createOrigin } from './origin.mjs';
import { createOrigins } from './proxies.mjs';
import { createRates } from './rates.mjs';
import { loadSettings, SettingsError } from './settings.mjs';
import { createSockets } from './sockets.mjs';
import { followAnswers } from './stopping.mjs';
import { createVerifier } from './tokens.mjs';
import { createTurns } from './turns.mjs';
import { openValkey } from './valkey.mjs';

const KEEP_ALIVE_MS = 65_000; // longer than load balancers and clients keep a connection: who closes first races with a request

async function main() {
  const settings = loadSettings();
  const log = createLog(settings.logLevel);
  const circuits = createCircuits(Object.keys(settings.subgraphs), { log });
  const metrics = createMetrics({ circuits });
  const operations = createOperations();
  const gateway = createGateway(settings, { log, metrics, circuits, onServed: operations.serve });
  await gateway.getSchema(); // a supergraph that cannot be served is found before anybody connects
  const valkey = openValkey(settings.valkeyUrl, { log });
  const isProduction = settings.environment === 'production';
  const documents = createDocuments({ registered: readRegistered(settings.documents), valkey, isProduction });
  const rates = createRates({ valkey, exempt: settings.rateExempt });
  let isStopping = false;
  const parts = {
    gateway,
    originOf: createOrigins(settings.trustedProxies),
    verify: createVerifier(settings),
    check: createChecks({ documents, operations, rates }),
    log,
    isStopping: () => isStopping,
  };
  const lane = settings.hasFastLane ? createLane(settings, { metrics, circuits }) : undefined;
  const origin = createOrigin(settings, { ...parts, lane, metrics, circuits, takeTurn: createTurns({ metrics }) });
  origin.keepAliveTimeout = KEEP_ALIVE_MS;
  const sockets = createSockets(settings, parts);
  metrics.countSockets(() => sockets.size);
  origin.on('upgrade', sockets.upgrade);

  const answers = followAnswers(origin);
  const stop = async (signal) => {
    if (isStopping) return;
    isStopping = true;
    log.info('stopping', { signal, inFlight: answers.size });
    await answers.finish();
    await sockets.close();
    await gateway[Symbol.asyncDispose]();
    await answers.cut();
    valkey.close();
    log.info('stopped', {});
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  origin.listen(settings.port, settings.host, () => {
    log.info('ready', { host: settings.host, port: origin.address().port, environment: settings.environment });
  });
  origin.on('error', (fault) => {
    log.error('cannot_listen', { host: settings.host, port: settings.port, reason: fault.code });
    process.exit(1);
  });
}

main().catch((fault) => {
  process.stderr.write(`${fault instanceof SettingsError ? fault.message : `router: ${fault.message}`}\n`);
  process.exit(1);
});
