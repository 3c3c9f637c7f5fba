// Who is asking: what the verified token says decides, never a header that anybody can set.

import { PLATFORM_TENANT } from './admission.mjs';

/**
 * What each kind of client may cost: `cost` of one document, `costPerMinute` of all its documents, `reads` and `writes` (root
 * fields in a minute). An integrator's document costs what its manifest says.
 */
export const TIERS = {
  public: { cost: 500, costPerMinute: 20_000, reads: 300, writes: 300 }, // by address: a school sits behind one
  app: { cost: 10_000, costPerMinute: 200_000, reads: 100, writes: 30 },
  dashboard: { cost: 50_000, costPerMinute: 500_000, reads: 100, writes: 30 },
  integrator: { cost: 50_000, costPerMinute: 500_000, reads: 600, writes: 120 },
};
/** Root fields of everybody of a school in a minute, and those of a platform administrator. */
export const TENANT_PER_MINUTE = 10_000;
export const ADMINISTRATOR_PER_MINUTE = 50;

/** The tier of a token's claims; `public` without a token. */
export function tierOf(claims) {
  if (!claims) return 'public';
  if (claims.client_id !== undefined) return 'integrator';
  return claims.permissions?.includes('graph:adhoc') ? 'dashboard' : 'app';
}

/** True for an account of the platform: it works on every school. */
export function isAdministrator(claims) {
  return claims?.tenant_id === PLATFORM_TENANT;
}
