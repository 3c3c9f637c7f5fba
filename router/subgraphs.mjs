// The subgraphs of the graph, in the order they were added. `subgraphUrl` is where each listens on a laptop.

export const SUBGRAPHS = ['identity', 'academic', 'operations', 'admission', 'finance', 'notification'];
/** Without these the router is not ready: nobody can sign in, or nothing that an app begins with can be shown. */
export const ESSENTIAL = ['identity', 'academic'];

const LAPTOP_PORTS = {
  identity: 4001,
  academic: 4002,
  notification: 4003,
  operations: 4004,
  admission: 4005,
  finance: 4006,
};

/** The address a subgraph has when no setting says otherwise. */
export function subgraphUrl(name) {
  return `http://127.0.0.1:${LAPTOP_PORTS[name]}/graphql`;
}
