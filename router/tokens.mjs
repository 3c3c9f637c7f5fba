// Access tokens: ES256 alone, checked against identity's published keys (RFC 9068).

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { Refusal } from './refusals.mjs';
import { Remembered } from './remembered.mjs';

const CLOCK_SKEW_SECONDS = 60; // how far ahead an issuer's clock may run before a token counts as forged
const REFRESH_KEYS_MS = 10 * 60_000; // a withdrawn key verifies for this long; an unknown `kid` is looked up at once
const MOST_KNOWN = 10_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A function from a compact token to its claims.
 *
 * It throws Refusal: TOKEN_EXPIRED, UNAUTHENTICATED for anything else that is wrong with the token, UNAVAILABLE when no
 * keys could be fetched yet. Keys once fetched stay in use while identity is down.
 */
export function createVerifier({ jwksUrl, tokenIssuer, tokenAudience }) {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 3_000, cacheMaxAge: Infinity });
  setInterval(() => keys.reload().catch(() => undefined), REFRESH_KEYS_MS).unref();
  const rules = {
    algorithms: ['ES256'],
    issuer: tokenIssuer,
    audience: tokenAudience,
    typ: 'at+jwt',
    requiredClaims: ['sub', 'tenant_id', 'exp', 'iat'],
  };
  const known = new Remembered(MOST_KNOWN); // a signature is checked once; a subgraph asks besides whether the token was revoked
  return async function verify(token) {
    const before = known.get(token);
    if (before) {
      if (before.exp <= Date.now() / 1000) throw new Refusal('TOKEN_EXPIRED');
      return before;
    }
    const { payload } = await jwtVerify(token, keys, rules).catch((fault) => {
      throw refusalOf(fault);
    });
    const isFromTheFuture = typeof payload.iat !== 'number' || payload.iat > Date.now() / 1000 + CLOCK_SKEW_SECONDS;
    if (isFromTheFuture || !UUID.test(payload.tenant_id)) throw new Refusal('UNAUTHENTICATED');
    known.set(token, payload);
    return payload;
  };
}

function refusalOf(fault) {
  if (fault instanceof errors.JWTExpired) return new Refusal('TOKEN_EXPIRED');
  const isAboutTheToken =
    fault instanceof errors.JOSEError &&
    !(fault instanceof errors.JWKSTimeout || fault instanceof errors.JWKSInvalid || fault.code === 'ERR_JOSE_GENERIC');
  return new Refusal(isAboutTheToken ? 'UNAUTHENTICATED' : 'UNAVAILABLE');
}
