// The end of the process: what clients have begun is answered, and they learn to go elsewhere.

import { Server as Listener } from 'node:net';

const GRACE_MS = 25_000; // longest wait for requests under way after a termination signal
const LINGER_MS = 500; // shortest: kept connections on which a request is on its way just now

/**
 * Follows the answers of an HTTP server: `size` are those under way. `finish()` refuses new connections, and resolves when nothing is
 * under way but event streams, which end only when told to; `cut()` ends whatever connections are left.
 */
export function followAnswers(origin) {
  const answers = new Set();
  let closed;
  origin.prependListener('request', (_, response) => {
    answers.add(response);
    if (closed) endConnection(response);
    response.once('close', () => answers.delete(response));
  });
  return {
    get size() {
      return answers.size;
    },
    async finish() {
      // HTTP's own close would cut kept connections too, with what a client has just sent on them.
      closed = new Promise((resolve) => Listener.prototype.close.call(origin, resolve));
      answers.forEach(endConnection);
      const began = Date.now();
      const isBusy = () => [...answers].some((response) => !isStream(response));
      while (Date.now() < began + LINGER_MS || (Date.now() < began + GRACE_MS && isBusy())) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async cut() {
      origin.closeAllConnections();
      await closed;
    },
  };
}

/** Tells a client that its connection ends with this answer: the next request goes to another router. */
function endConnection(response) {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

function isStream(response) {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}
