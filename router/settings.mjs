// Settings come from the environment (prefix WIYATA_) and nowhere else; libs/settings documents the same names.

import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { SUBGRAPHS, subgraphUrl } from './subgraphs.mjs';

const ENVIRONMENTS = ['development', 'test', 'production'];
const LOG_LEVELS = ['debug', 'info', 'warning', 'error'];
const DEFAULT_SUPERGRAPH = resolve(import.meta.dirname, '../schema/supergraph.graphql');
const DEFAULT_DOCUMENTS = resolve(import.meta.dirname, 'documents');

/** A setting is malformed; the message names every one that is, and repeats no value. */
export class SettingsError extends Error {}

/** Reads and checks the settings of the router. Throws SettingsError. */
export function loadSettings(environment = process.env) {
  const faults = [];
  const read = (name, fallback, parse) => {
    const given = environment[`WIYATA_${name}`];
    try {
      return parse(given === undefined ? fallback : given);
    } catch (fault) {
      faults.push(`WIYATA_${name}: ${fault.message}`);
      return undefined;
    }
  };
  const urls = SUBGRAPHS.map((name) => [name, read(`${name.toUpperCase()}_URL`, subgraphUrl(name), httpUrl)]);
  const subgraphs = Object.fromEntries(urls);
  const settings = {
    environment: read('ENVIRONMENT', 'development', oneOf(ENVIRONMENTS)),
    host: read('ROUTER_HOST', '127.0.0.1', nonEmpty),
    port: read('ROUTER_PORT', '4000', whole(0, 65_535)),
    subgraphs,
    jwksUrl: read(
      'JWKS_URL',
      new URL('/.well-known/jwks.json', subgraphs.identity ?? subgraphUrl('identity')).href,
      httpUrl,
    ),
    tokenIssuer: read('TOKEN_ISSUER', 'https://wiyata.id', nonEmpty),
    tokenAudience: read('TOKEN_AUDIENCE', 'wiyata', nonEmpty),
    corsOrigins: read('CORS_ORIGINS', '', origins),
    valkeyUrl: read('VALKEY_URL', 'redis://127.0.0.1:6379/0', nonEmpty),
    trustedProxies: read('TRUSTED_PROXIES', '', networks),
    rateExempt: read('RATE_EXEMPT', '', networks),
    documents: read('ROUTER_DOCUMENTS', DEFAULT_DOCUMENTS, file),
    supergraph: read('SUPERGRAPH', DEFAULT_SUPERGRAPH, file),
    upstreamTimeoutMs: read('ROUTER_UPSTREAM_TIMEOUT_MS', '15000', whole(1, 600_000)),
    hasFastLane: read('ROUTER_FAST_LANE', 'true', oneOf(['true', 'false'])) === 'true',
    logLevel: read('LOG_LEVEL', 'info', oneOf(LOG_LEVELS)),
  };
  if (faults.length > 0) throw new SettingsError(faults.join('; '));
  return settings;
}

function nonEmpty(text) {
  if (text.trim() === '') throw new Error('must not be empty');
  return text;
}

function oneOf(choices) {
  return (text) => {
    if (!choices.includes(text)) throw new Error(`must be one of ${choices.join(', ')}`);
    return text;
  };
}

function whole(least, most) {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`);
    }
    return number;
  };
}

function httpUrl(text) {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new Error('must be an http(s) URL');
  return text;
}

function file(path) {
  const absolute = resolve(path);
  if (!existsSync(absolute)) throw new Error('names no file; `just schema` writes it');
  return absolute;
}

/** Networks as `[address, bits, family]`. */
function networks(text) {
  return listed(text).map((network) => {
    const [address, bits] = network.split('/');
    const family = isIP(address);
    if (!family || !/^\d+$/.test(bits ?? '') || Number(bits) > (family === 4 ? 32 : 128)) {
      throw new Error('must be networks (address/bits), separated by commas');
    }
    return [address, Number(bits), `ipv${family}`];
  });
}

function listed(text) {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function origins(text) {
  const list = listed(text);
  for (const origin of list) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error('must be origins (https://host:port, no path), separated by commas');
    }
  }
  return new Set(list);
}
