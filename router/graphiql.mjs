// GraphiQL for people in development: the page comes from a package, so that it works without a network.

import { randomBytes } from 'node:crypto';

/** True when a person's browser opens the graph's address. */
export function isForGraphiql(request) {
  return request.method === 'GET' && request.headers.accept?.includes('text/html') === true;
}

/** Answers with the page. Its scripts run by nonce; Monaco, its editor, makes styles, fonts and workers of its own. */
export async function answerGraphiql(response) {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql'); // 9 MB: loaded when somebody asks for it
  const nonce = randomBytes(16).toString('base64url');
  // Only a tag that begins a line is the page's own: the editor's code holds the word in its strings.
  const page = renderGraphiQL({ title: 'Wiyata' }).replace(/^\s*<script/gm, `$& nonce="${nonce}"`);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      `default-src 'self'; script-src 'nonce-${nonce}'; style-src 'self' 'unsafe-inline'; ` +
      "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob: data:",
  });
  response.end(page);
}
