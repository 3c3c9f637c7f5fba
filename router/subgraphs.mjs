// The subgraphs of the graph, in the order they were added. `subgraphUrl` is where each listens on a laptop.

export const SUBGRAPHS = ['identity', 'academic', 'notification'];

const LAPTOP_PORTS = { identity: 4001, academic: 4002, notification: 4003 };

/** The address a subgraph has when no setting says otherwise. */
export function subgraphUrl(name) {
  return `http://127.0.0.1:${LAPTOP_PORTS[name]}/graphql`;
}
