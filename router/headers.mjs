// Headers of every answer: security, and CORS for the origins that settings allow.

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-xss-protection': '1; mode=block',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'content-security-policy': "default-src 'self'",
  'referrer-policy': 'strict-origin-when-cross-origin',
};

// Browsers of other origins send files to signed addresses; nothing else takes PUT.
const METHODS = 'GET, POST, OPTIONS';
const METHODS_OF_FILES = 'GET, PUT, OPTIONS';
/** What a page of an allowed origin may read of an answer besides its body. */
const EXPOSED = 'Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id';
const CORS = {
  'access-control-allow-headers':
    'Content-Type, Authorization, X-Tenant-Id, Idempotency-Key, traceparent, Accept-Language',
  'access-control-max-age': '86400',
};

/** Sets the security headers; whoever answers may replace one by its own (a page's CSP with a nonce). */
export function setSecurityHeaders(response) {
  for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value);
}

/** Sets the CORS headers an allowed origin needs. Answers a preflight and returns true when the request is one. */
export function answerCors(request, response, allowed) {
  const { origin } = request.headers;
  if (allowed.size > 0) response.setHeader('vary', 'Origin');
  const isAllowed = origin !== undefined && allowed.has(origin);
  if (isAllowed) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', EXPOSED);
  }
  const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (!isPreflight) return false;
  if (isAllowed) {
    const isFile = request.url.startsWith('/files/');
    response.setHeader('access-control-allow-methods', isFile ? METHODS_OF_FILES : METHODS);
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
  }
  response.writeHead(204).end();
  return true;
}
