// Registers what lies in documents/, or another folder, in its manifest; with --check it says whether that is done.
// `node register.mjs [--check] [folder]`, run by `just documents`.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { getNamedType, getOperationAST, isLeafType, parse, TypeInfo, validate, visit, visitWithTypeInfo } from 'graphql';
import { costFormula } from './cost.mjs';
import { measure, MOST } from './limits.mjs';
import { readSupergraph } from './supergraph.mjs';

const SCHEMA = resolve(import.meta.dirname, '../schema');
const FOLDER = resolve(import.meta.dirname, 'documents');
const LARGEST_PAGE = 100;
/** Types that stand for a person: whatever is read of one, but its id, is personal data. */
const PEOPLE = new Set(['Application', 'DeletedUser', 'Guardian', 'Student', 'Teacher', 'User']);

/** What the manifest says of a document. Throws when it is faulty, too large, or says no owner. */
function describe(file, text, graph, catalogue) {
  const document = parseOf(file, text);
  const operation = getOperationAST(document);
  if (!operation?.name) throw new Error(`${file}: one operation with a name`);
  const faults = validate(graph.schema, document);
  if (faults.length > 0) throw new Error(`${file}: ${faults[0].message}`);
  const measured = measure(document, operation);
  const excess = Object.keys(MOST).find((name) => measured[name] > MOST[name]);
  if (excess) throw new Error(`${file}: more than ${MOST[excess]} of ${excess}`);
  const owner = /^# owner: (.+)$/m.exec(text)?.[1];
  if (!owner) throw new Error(`${file}: no line "# owner: …"`);
  const touched = fieldsOf(graph.schema, document);
  const scopes = new Set(touched.flatMap((field) => needsOf(field, catalogue)));
  const personal = touched.filter(({ type, isLeaf }) => PEOPLE.has(type) && isLeaf).map(({ type, name }) => `${type}.${name}`);
  const costOf = costFormula(graph, document, operation);
  const cost = Math.max(...[true, false].map((condition) => costOf(largest(operation, condition))));
  return { file, owner, cost, scopes: [...scopes].sort(), personal: [...new Set(personal)].sort() };
}

function parseOf(file, text) {
  try {
    return parse(text);
  } catch (fault) {
    throw new Error(`${file}: ${fault.message}`);
  }
}

/** Variables under which a document costs most: the largest pages, and conditions all alike. */
function largest({ variableDefinitions = [] }, condition) {
  const values = { Int: LARGEST_PAGE, Boolean: condition };
  const named = variableDefinitions.map(({ variable, type }) => [variable.name.value, values[(type.type ?? type).name?.value]]);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}

/** The fields a document selects, but ids: every subgraph has those. */
function fieldsOf(schema, document) {
  const info = new TypeInfo(schema);
  const found = [];
  const Field = ({ name: { value: name } }) => {
    if (name === 'id' || name.startsWith('__')) return;
    found.push({ type: info.getParentType().name, name, isLeaf: isLeafType(getNamedType(info.getType())) });
  };
  visit(document, visitWithTypeInfo(info, { Field }));
  return found;
}

/** The permissions a field needs, of several that would do the widest: the catalogue names it first. */
function needsOf({ type, name }, catalogue) {
  const roots = { Query: catalogue.queries, Mutation: catalogue.mutations, Subscription: catalogue.subscriptions };
  const entries = roots[type] ? [roots[type][name]] : Object.values(catalogue.types[type] ?? {}).map(({ fields }) => fields?.[name]);
  return entries.flatMap((entry) => entry?.needs ?? []).map(([widest]) => widest);
}

function main({ values: { check }, positionals: [folder = FOLDER] }) {
  const graph = readSupergraph(readFileSync(join(SCHEMA, 'supergraph.graphql'), 'utf8'));
  const catalogue = JSON.parse(readFileSync(join(SCHEMA, 'permissions.json'), 'utf8'));
  const manifest = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.graphql')).sort()) {
    const text = readFileSync(join(folder, file), 'utf8');
    manifest[createHash('sha256').update(text).digest('hex')] = describe(file, text, graph, catalogue);
  }
  const written = `${JSON.stringify(manifest, null, 2)}\n`;
  const path = join(folder, 'manifest.json');
  if (!check) writeFileSync(path, written);
  else if (readFileSync(path, 'utf8') !== written) throw new Error('the documents are not those of their manifest; run `just documents`');
}

try {
  main(parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true }));
} catch (fault) {
  process.stderr.write(`${fault.message}\n`);
  process.exitCode = 1;
}
