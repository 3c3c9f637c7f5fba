// PostGraphile beside the subgraph: the same database, login role, row-level security and number of connections. Tokens are
// verified, and remembered as the subgraph remembers them; what they say is bound to the transaction of the request.
import { createPublicKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { makePgService } from 'postgraphile/adaptors/pg';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

const MOST_TOKENS = 4096;
const key = createPublicKey(process.env.PEER_PUBLIC_KEY);
const issuer = process.env.PEER_TOKEN_ISSUER;
const audience = process.env.PEER_TOKEN_AUDIENCE;
const verified = new Map();

function claimsOf(token) {
  const known = verified.get(token);
  if (known !== undefined && known.exp * 1000 > Date.now()) return known;
  const claims = jwt.verify(token, key, { algorithms: ['ES256'], issuer, audience });
  if (verified.size >= MOST_TOKENS) verified.delete(verified.keys().next().value);
  verified.set(token, claims);
  return claims;
}

export default {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.PEER_DATABASE_URL,
      schemas: ['academic'],
      poolConfig: { max: Number(process.env.PEER_POOL_SIZE) },
    }),
  ],
  grafast: {
    explain: false,
    context({ node }) {
      const claims = claimsOf(node.req.headers.authorization.slice('Bearer '.length));
      return {
        pgSettings: { 'app.tenant_id': claims.tenant_id, 'app.scope': 'tenant', 'app.user_id': claims.sub, 'app.student_ids': '{}' },
      };
    },
  },
  grafserv: {
    host: '127.0.0.1',
    port: Number(process.env.PEER_PORT),
    graphqlPath: '/graphql',
    graphiql: false,
    websockets: false,
    watch: false,
  },
};
