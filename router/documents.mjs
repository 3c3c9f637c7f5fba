// Documents that are known by their hash: automatic persisted queries of apps, and the registered ones of `documents/`.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from './refusals.mjs';
import { Remembered } from './remembered.mjs';

const SHA256 = /^[0-9a-f]{64}$/;
const MOST_REMEMBERED = 2_000;
const LONGEST_KEPT = 32_768; // characters: what is longer is sent each time, or a few senders could fill the memory
const KEPT_SECONDS = 7 * 24 * 3600; // in Valkey, since a document was last sent with its text

/** The documents of a folder by their hash: what `manifest.json` says of each, and its text. Throws when one is not what it says. */
export function readRegistered(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const texts = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.graphql'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    texts.set(sha256(text), text);
  }
  const isWhole = texts.size === Object.keys(manifest).length && [...texts.keys()].every((hash) => hash in manifest);
  if (!isWhole) throw new Error(`the documents of ${folder} are not those of its manifest; run \`just documents\``);
  return new Map(Object.entries(manifest).map(([hash, entry]) => [hash, { ...entry, text: texts.get(hash) }]));
}

/**
 * The documents that can be sent: `resolve(params, tier)` gives `{ text, hash, registered }` or throws Refusal; `keep(hash, text)`
 * makes a document known by its hash, to all routers.
 */
export function createDocuments({ registered, valkey, isProduction }) {
  const remembered = new Remembered(MOST_REMEMBERED);
  const byText = new Map([...registered.values()].map((entry) => [entry.text, entry]));

  async function resolve({ query, documentId, extensions }, tier) {
    const hash = hashOf(documentId, extensions);
    const entry = hash === undefined ? byText.get(query) : registered.get(hash);
    if (entry) return { text: entry.text, registered: entry };
    if (tier === 'integrator' || (tier === 'public' && isProduction)) throw new Refusal('PERSISTED_QUERY_ONLY');
    if (hash === undefined) return { text: query };
    if (query !== undefined) {
      if (sha256(query) !== hash) throw malformed('the hash is not that of the document');
      return { text: query, hash };
    }
    const text = remembered.get(hash) ?? (await valkey.get(keyOf(hash)).catch(() => null)); // without it the text is sent again
    if (text === null) throw new Refusal('PERSISTED_QUERY_NOT_FOUND');
    remembered.set(hash, text);
    return { text, hash };
  }

  async function keep(hash, text) {
    if (text.length > LONGEST_KEPT || remembered.get(hash) !== undefined) return;
    remembered.set(hash, text);
    await valkey.set(keyOf(hash), text, { EX: KEPT_SECONDS }).catch(() => undefined); // other routers ask for the text again
  }

  return { resolve, keep };
}

function keyOf(hash) {
  return `document:${hash}`;
}

function hashOf(documentId, extensions) {
  const persisted = extensions?.persistedQuery;
  const hash = documentId ?? persisted?.sha256Hash;
  if (hash === undefined) return undefined;
  if (persisted !== undefined && persisted?.version !== 1) throw malformed('persistedQuery has version 1');
  if (!SHA256.test(hash)) throw malformed('a document is named by its sha256 in lower case');
  return hash;
}

function malformed(detail) {
  return new Refusal('BAD_REQUEST', { data: { detail } });
}

function sha256(text) {
  return createHash('sha256').update(String(text)).digest('hex');
}
