// Everything that is asked of an operation before it runs, in one place: whichever way it then goes, it has passed here.

import { Refusal } from './refusals.mjs';
import { TIERS, tierOf } from './tiers.mjs';

const FAULTY = { type: 'query', rootFields: [undefined] }; // to be told what is wrong counts like any field

/**
 * A function that passes `{ params, claims, tenant, address }`: whether the document may be sent, how large it is, what it costs and how
 * much its sender has asked for. It answers `{ params, tier, operation, cost, headers }`, `params.query` being the text;
 * `operation` is undefined where the gateway has faults to tell. Throws Refusal, whose `headers` go with the answer.
 */
export function createChecks({ documents, operations, rates }) {
  return async function check({ params, claims, tenant, address }) {
    const tier = tierOf(claims);
    const { text, hash, registered } = await documents.resolve(params, tier);
    const missing = tier === 'integrator' && registered.scopes.find((scope) => !claims.permissions.includes(scope));
    if (missing) throw new Refusal('FORBIDDEN');
    const operation = operations.find(text, params.operationName);
    const { variables, operationName } = params;
    const checked = { params: { query: text, variables, operationName }, tier, operation };
    if (!operation) return { ...checked, headers: await rates({ operation: FAULTY, tier, cost: 0, claims, tenant, address }) };
    const cost = { estimated: operation.costOf(params.variables ?? {}), allowed: registered?.cost ?? TIERS[tier].cost };
    if (cost.estimated > cost.allowed) throw new Refusal('COST_LIMIT', { data: cost, extensions: cost });
    const headers = await rates({ operation, tier, cost: cost.estimated, claims, tenant, address });
    if (hash) await documents.keep(hash, text);
    return { ...checked, cost, headers };
  };
}
