// The page at `/`: for developers what this is and where things are, for everybody else the name.

import { createHash } from 'node:crypto';
import { MOST, MOST_TOKENS } from './limits.mjs';
import { MOST_OPERATIONS } from './parameters.mjs';
import { languageOf } from './refusals.mjs';
import { TENANT_PER_MINUTE, TIERS } from './tiers.mjs';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #566173; --line: #d8dee8; --paper: #fff; --field: #f4f6f9; --link: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --quiet: #9aa6b6; --line: #333d4b; --paper: #12171e; --field: #1b222c; --link: #7db8f5 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem }
h1 { margin: 0; font-size: 2rem; letter-spacing: -.01em }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem }
p { margin: .5rem 0; max-width: 46rem }
a { color: var(--link) }
code, pre { font: .9em/1.5 ui-monospace, monospace; background: var(--field); border-radius: 4px }
code { padding: .1em .35em; overflow-wrap: anywhere }
pre { padding: 1rem; overflow-wrap: anywhere; white-space: pre-wrap; border: 1px solid var(--line) }
.links { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; margin: 1.25rem 0 0; list-style: none }
.links a { display: block; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 6px; text-decoration: none }
.links a:hover, .links a:focus { border-color: var(--link) }
.quiet { color: var(--quiet) }
table { width: 100%; border-collapse: collapse }
th, td { padding: .55rem .75rem .55rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
thead th { color: var(--quiet); font-weight: 600; font-size: .85rem; vertical-align: bottom }
table + p { margin-top: 1.25rem }
td.number, th.number { width: 7rem; text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 40rem) {
  thead { position: absolute; left: -100vw }
  table, tbody, tr, th, td { display: block }
  tr { padding: .6rem 0; border-bottom: 1px solid var(--line) }
  tbody th, td, td.number { padding: .1rem 0; border: 0; text-align: left }
  td.number { display: flex; justify-content: space-between }
  td.number { width: auto }
  td.number::before { content: attr(data-label); color: var(--quiet) }
}
`;
const POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TEXTS = {
  id: {
    other: '<a href="/?lang=en" hreflang="en" lang="en">English</a>',
    lead: 'Backend terbuka untuk sekolah-sekolah Indonesia: satu graf GraphQL untuk aplikasi, dasbor, dan sistem lain.',
    development: 'Halaman ini hanya ada di lingkungan pengembangan.',
    schema: 'Skema (SDL)',
    health: 'Kesehatan',
    mail: 'Surel keluar',
    endpoints: 'Alamat',
    example: 'Permintaan pertama',
    tiers: 'Jenis klien dan batasnya',
    told: 'Jenis klien ditentukan oleh token, bukan oleh header. Batas dihitung per pengguna (untuk pengunjung: per alamat) dan per menit.',
    columns: ['Jenis', 'Siapa dan apa', 'Biaya per dokumen', 'Biaya per menit', 'Bacaan per menit', 'Tulisan per menit'],
    who: {
      public: 'Belum masuk, dengan <code>X-Tenant-Id</code>. Di produksi hanya dokumen terdaftar.',
      app: 'Token pengguna. Dokumen apa pun, juga lewat hash (APQ).',
      dashboard: 'Token pengguna dengan izin <code>graph:adhoc</code>. Dokumen mahal menunggu giliran.',
      integrator: 'Token klien (client credentials). Hanya dokumen terdaftar, dengan biayanya masing-masing.',
    },
    documents: (n) =>
      `Setiap dokumen paling banyak ${n.depth} tingkat, ${n.rootFields} field teratas, ${n.aliases} alias, ${n.directives} direktif dan ${n.tokens} token; satu larik paling banyak ${n.batch} operasi. ` +
      `Satu objek berbiaya 1, satu sekolah paling banyak ${n.tenant} field teratas per menit.`,
    rows: [
      ['POST /graphql', 'Operasi sebagai <code>application/json</code>, satu atau beberapa dalam larik; token di <code>Authorization: Bearer …</code>.'],
      ['GET /graphql', 'Query dengan <code>query</code> atau hash-nya, dijawab dengan ETag. Di peramban: GraphiQL.'],
      ['POST /graphql', 'Subscription dengan <code>Accept: text/event-stream</code>.'],
      ['WebSocket /graphql', 'Subscription dengan <code>graphql-transport-ws</code>; token di <code>connection_init</code>.'],
      ['/.well-known/jwks.json', 'Kunci publik untuk memeriksa token.'],
      ['/health</code> <code>/health/ready</code> <code>/health/live', 'Keadaan semua subgraf, kesiapan, dan proses ini sendiri.'],
      ['/metrics', 'Metrik untuk Prometheus.'],
    ],
  },
  en: {
    other: '<a href="/?lang=id" hreflang="id" lang="id">Bahasa Indonesia</a>',
    lead: 'The open backend of Indonesian schools: one GraphQL graph for apps, dashboards and other systems.',
    development: 'This page exists in development only.',
    schema: 'Schema (SDL)',
    health: 'Health',
    mail: 'Outgoing mail',
    endpoints: 'Endpoints',
    example: 'First request',
    tiers: 'Kinds of client and their limits',
    told: 'The token tells the kind of client, never a header. Limits are counted by user (visitors: by address) and minute.',
    columns: ['Kind', 'Who, and what', 'Cost per document', 'Cost per minute', 'Reads per minute', 'Writes per minute'],
    who: {
      public: 'Not signed in, with <code>X-Tenant-Id</code>. In production registered documents only.',
      app: "A user's token. Any document, by its hash too (APQ).",
      dashboard: "A user's token with permission <code>graph:adhoc</code>. Dear documents wait for their turn.",
      integrator: "A client's token (client credentials). Registered documents only, each at its own cost.",
    },
    documents: (n) =>
      `A document has at most ${n.depth} levels, ${n.rootFields} root fields, ${n.aliases} aliases, ${n.directives} directives and ${n.tokens} tokens; an array has at most ${n.batch} operations. ` +
      `An object costs 1; a school has at most ${n.tenant} root fields per minute.`,
    rows: [
      ['POST /graphql', 'Operations as <code>application/json</code>, one or several in an array; the token in <code>Authorization: Bearer …</code>.'],
      ['GET /graphql', 'Queries by <code>query</code> or their hash, answered with an ETag. In a browser: GraphiQL.'],
      ['POST /graphql', 'Subscriptions with <code>Accept: text/event-stream</code>.'],
      ['WebSocket /graphql', 'Subscriptions with <code>graphql-transport-ws</code>; the token in <code>connection_init</code>.'],
      ['/.well-known/jwks.json', 'Public keys to check tokens with.'],
      ['/health</code> <code>/health/ready</code> <code>/health/live', 'State of all subgraphs, readiness, and this process alone.'],
      ['/metrics', 'Metrics for Prometheus.'],
    ],
  },
};

/** Answers `/`: with the page in development, with the name elsewhere. */
export function answerLanding(request, response, isDevelopment) {
  if (!isDevelopment) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('Wiyata\n');
    return;
  }
  const asked = new URLSearchParams(request.url.split('?', 2)[1]).get('lang');
  const language = Object.hasOwn(TEXTS, asked ?? '') ? asked : languageOf(request.headers['accept-language']);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': POLICY,
    'content-language': language,
    vary: 'Accept-Language',
  });
  response.end(page(language));
}

function page(language) {
  const text = TEXTS[language];
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wiyata</title><style>${STYLE}</style>
</head>
<body><main>
<header><h1>Wiyata</h1><nav>${text.other}</nav></header>
<p>${text.lead}</p>
<p class="quiet">${text.development}</p>
<ul class="links">
<li><a href="/graphql">GraphiQL</a></li><li><a href="/schema.graphql">${text.schema}</a></li>
<li><a href="/health">${text.health}</a></li><li><a href="/dev/outbox">${text.mail}</a></li>
</ul>
<h2>${text.endpoints}</h2>
<table><tbody>
${text.rows.map(([address, told]) => `<tr><th scope="row"><code>${address}</code></th><td>${told}</td></tr>`).join('\n')}
</tbody></table>
<h2>${text.example}</h2>
<pre>curl http://127.0.0.1:4000/graphql \\
  -H 'Content-Type: application/json' \\
  -d '{"query":"{ __schema { queryType { name } } }"}'</pre>
<h2>${text.tiers}</h2>
<p>${text.told}</p>
${tiers(text, language)}
<p>${documents(text, language)}</p>
</main></body></html>
`;
}

function tiers({ columns, who }, language) {
  const figures = ['cost', 'costPerMinute', 'reads', 'writes'];
  const [name, told, ...labels] = columns;
  const head = labels.map((label) => `<th scope="col" class="number">${label}</th>`).join('');
  const row = ([tier, limits]) => {
    const cells = figures.map(
      (figure, place) => `<td class="number" data-label="${labels[place]}">${limits[figure].toLocaleString(language)}</td>`,
    );
    return `<tr><th scope="row">${tier}</th><td>${who[tier]}</td>${cells.join('')}</tr>`;
  };
  return `<table><thead><tr><th scope="col">${name}</th><th scope="col">${told}</th>${head}</tr></thead><tbody>
${Object.entries(TIERS).map(row).join('\n')}
</tbody></table>`;
}

function documents(text, language) {
  const limits = { ...MOST, tokens: MOST_TOKENS, batch: MOST_OPERATIONS, tenant: TENANT_PER_MINUTE };
  const figures = Object.entries(limits).map(([name, value]) => [name, value.toLocaleString(language)]);
  return text.documents(Object.fromEntries(figures));
}
