// A subscription's way to its subgraph: graphql-transport-ws over a socket of its own, so that no token ever shares one.

import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { Refusal } from './refusals.mjs';

const MOST_WAITING = 1_000; // results that a client has not taken; one more, and it is dropped
const MOST_WAITING_BYTES = 4 * 2 ** 20; // the same
const MOST_RESULT = 4 * 2 ** 20; // bytes
const CONNECT_MS = 5_000;
const PING_MS = 12_000; // between signs of life, and until one that does not come is the end
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A socket that knows how long its latest message was. */
class UpstreamSocket extends WebSocket {
  latest = 0;

  constructor(url, protocol) {
    super(url, protocol, { handshakeTimeout: CONNECT_MS, maxPayload: MOST_RESULT, perMessageDeflate: false });
    this.on('message', (data) => {
      this.latest = data.length;
    });
  }
}

/** The gateway's transport for subscriptions; `headersOf(request)` are the headers that go on. */
export function subscriptionTransport(headersOf) {
  return {
    getSubgraphExecutor({ transportEntry: { location } }) {
      const url = location.replace(/^http/, 'ws');
      const open = new Set();
      const execute = (execution) => {
        const following = follow(url, execution, headersOf(execution.context.request.headers));
        open.add(following);
        following.ended.then(() => open.delete(following));
        return following.results;
      };
      // Another supergraph takes over, or the router stops: the client subscribes again.
      execute[Symbol.asyncDispose] = async () => open.forEach((following) => following.refuse('UNAVAILABLE'));
      return execute;
    },
  };
}

/** Begins a subscription. What ends it is its last result, but for a socket that breaks, which is thrown. */
function follow(url, { document, variables, operationName, context }, headers) {
  const { admitted } = context;
  const waiting = new Waiting();
  let socket;
  let silence;
  const client = createClient({
    url,
    webSocketImpl: UpstreamSocket,
    connectionParams: headers,
    connectionAckWaitTimeout: CONNECT_MS,
    keepAlive: PING_MS,
    // To connect again would hide what was missed meanwhile.
    retryAttempts: 0,
    on: {
      opened: (opened) => {
        socket = opened;
      },
      closed: (event) => end({ fault: event }),
      ping: (isReceived) => isReceived || expect(),
      pong: () => clearTimeout(silence),
    },
  });
  const stop = client.subscribe(
    { query: print(document), variables, operationName },
    {
      next(result) {
        if (waiting.add(result, socket.latest)) return;
        refuse('SLOW_CLIENT');
        admitted.drop();
      },
      // Errors that the subgraph has written, or what became of the socket.
      error: (fault) => end(Array.isArray(fault) ? { last: { errors: fault } } : { fault: fault.error ?? fault }),
      complete: () => end({}),
    },
  );
  const expiry = admitted.claims && setTimeout(() => refuse('TOKEN_EXPIRED'), millisecondsLeft(admitted.claims));

  function expect() {
    silence = setTimeout(() => client.terminate(), PING_MS);
  }

  function end(how) {
    clearTimeout(expiry);
    clearTimeout(silence);
    stop();
    waiting.end(how);
  }

  function refuse(code) {
    if (code === 'SLOW_CLIENT') waiting.clear();
    end({ last: { errors: [new Refusal(code).toFieldError(admitted.language)] } });
  }

  return { refuse, ended: waiting.ended, results: waiting.iterator(() => end({})) };
}

/** How long a token still holds, as a timer takes it. */
export function millisecondsLeft({ exp }) {
  return Math.min(Math.max(exp * 1000 - Date.now(), 0), LONGEST_TIMER_MS);
}

/** Results on their way to a client that takes them one by one. */
class Waiting {
  #results = [];
  #bytes = 0;
  #fault;
  #isEnded = false;
  #wake = () => undefined;
  #settle;
  ended = new Promise((resolve) => {
    this.#settle = resolve;
  });

  /** Keeps a result; false when there are too many, or too large ones. */
  add(result, bytes) {
    if (this.#isEnded) return true;
    const isFull = this.#results.length >= MOST_WAITING || this.#bytes + bytes > MOST_WAITING_BYTES;
    if (isFull && this.#results.length > 0) return false;
    this.#results.push([result, bytes]);
    this.#bytes += bytes;
    this.#wake();
    return true;
  }

  clear() {
    this.#results = [];
    this.#bytes = 0;
  }

  /** Nothing comes after `last`; or after `fault`, which is thrown. */
  end({ last, fault }) {
    if (this.#isEnded) return;
    if (last) this.#results.push([last, 0]);
    this.#fault = fault;
    this.#isEnded = true;
    this.#settle();
    this.#wake();
  }

  /** No generator: its `return` would wait for the next result. */
  iterator(onReturn) {
    const next = async () => {
      while (this.#results.length === 0 && !this.#isEnded) {
        await new Promise((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#results.length > 0) {
        const [value, bytes] = this.#results.shift();
        this.#bytes -= bytes;
        return { done: false, value };
      }
      const fault = this.#fault;
      this.#fault = undefined;
      if (fault) throw fault;
      return { done: true, value: undefined };
    };
    const stop = async () => {
      this.clear();
      onReturn();
      return { done: true, value: undefined };
    };
    return {
      next,
      return: stop,
      throw: stop,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
