// Brotli and gzip for the answers of the graph, whichever way they were made.

import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

const LEAST_BYTES = 1_024; // less goes out in one packet either way
const IS_WHOLE_JSON = /^application\/(graphql-response\+)?json\b/;

// The cheapest levels that compress: of 85 kB of pupils Brotli 3 and gzip 2 make a quarter in half a millisecond; the next
// levels that gain a twentieth take two to four times as long. The work is done beside the event loop.
const CODINGS = {
  br: (bytes) => brotli(bytes, { params: { ...TEXT, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  gzip: (bytes) => zip(bytes, { level: 2 }),
};
const TEXT = {
  [constants.BROTLI_PARAM_QUALITY]: 3,
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
};

/**
 * Makes `response` compress its JSON as the client likes it. Event streams and other types go out as they are written. A secret beside
 * a stranger's text cannot be guessed by length here: nothing signs a foreign page's request in, tokens are no cookies.
 */
export function compressAnswers(request, response) {
  const varied = response.getHeader('vary');
  const { writeHead, write, end } = response;
  const coding = codingFor(request.headers['accept-encoding']);
  response.writeHead = (status, ...rest) => {
    for (const [name, value] of Object.entries(rest.find((each) => typeof each === 'object') ?? {})) {
      response.setHeader(name, value);
    }
    response.setHeader('vary', listed(varied, response.getHeader('vary'), 'Accept-Encoding'));
    const isJson = IS_WHOLE_JSON.test(response.getHeader('content-type'));
    if (!coding || !isJson) {
      Object.assign(response, { writeHead, write, end });
      return writeHead.call(response, status);
    }
    gather(response, { status, coding, writeHead, end });
    return response;
  };
}

/** Keeps what is written until the end: only then is it known how much it is. */
function gather(response, { status, coding, writeHead, end }) {
  const chunks = [];
  const keep = (chunk) => {
    if (chunk !== null && chunk !== undefined && typeof chunk !== 'function') chunks.push(Buffer.from(chunk));
  };
  response.write = (chunk, ...rest) => {
    keep(chunk);
    rest.findLast((each) => typeof each === 'function')?.();
    return true;
  };
  response.end = (...given) => {
    keep(given[0]);
    const body = Buffer.concat(chunks);
    const isWorth = body.length >= LEAST_BYTES || (coding.isDemanded && body.length > 0);
    const made = isWorth ? CODINGS[coding.name](body) : Promise.resolve(body);
    made.then(
      (bytes) => {
        if (isWorth) response.setHeader('content-encoding', coding.name);
        if (body.length > 0) response.setHeader('content-length', bytes.length);
        writeHead.call(response, status);
        end.call(response, bytes);
      },
      () => response.destroy(),
    );
    return response;
  };
}

/**
 * The coding of Accept-Encoding that we have and the client likes best, Brotli of two it likes the same; undefined for none.
 * `isDemanded` where the bytes themselves are not acceptable. Where nothing is, they go out all the same: what has been done
 * cannot be refused any more.
 */
function codingFor(accepted = '') {
  const weights = new Map(
    accepted.split(',').map((part) => {
      const [name, ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
      const weight = parameters.find((each) => each.startsWith('q='));
      return [name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
    }),
  );
  const weightOf = (name) => weights.get(name) ?? weights.get('*') ?? 0;
  const own = weights.get('identity') ?? (weights.get('*') === 0 ? 0 : undefined);
  const name = Object.keys(CODINGS).reduce((best, each) => (weightOf(each) > weightOf(best) ? each : best));
  if (weightOf(name) === 0 || own > weightOf(name)) return undefined;
  return { name, isDemanded: own === 0 };
}

function listed(...values) {
  const names = values.flatMap((value) => String(value ?? '').split(',')).map((name) => name.trim());
  return [...new Map(names.filter(Boolean).map((name) => [name.toLowerCase(), name])).values()].join(', ');
}
