// Who a request comes from, when it comes through proxies: they are believed by their address alone.

import { BlockList, isIP } from 'node:net';

const MAPPED = /^::ffff:(?=\d+\.)/i; // an IPv4 address as an IPv6 socket tells it

/** A function that says of an address whether it lies in one of the networks, `[address, bits, family]` each. */
export function within(networks) {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const [address, bits, family] of networks) list.addSubnet(address, bits, family);
  return (address) => isIP(address) !== 0 && list.check(address, `ipv${isIP(address)}`);
}

/**
 * A function from a request to `{ address, proto }`: the last address of X-Forwarded-For that is no trusted proxy's, and what the
 * client spoke with the first of them, undefined where nobody who may says. A header of anybody else is as if it were not there.
 */
export function createOrigins(trusted) {
  const isTrusted = within(trusted);
  return function originOf({ headers, socket }) {
    const peer = (socket.remoteAddress ?? '').replace(MAPPED, '');
    if (!isTrusted(peer)) return { address: peer };
    let address = peer;
    for (const told of split(headers['x-forwarded-for']).reverse()) {
      if (!isIP(told)) break; // what a proxy did not understand: it is the nearest that is known
      address = told;
      if (!isTrusted(told)) break;
    }
    return { address, proto: split(headers['x-forwarded-proto'])[0]?.toLowerCase() };
  };
}

function split(header) {
  return (header ?? '')
    .split(',')
    .map((part) => part.trim().replace(MAPPED, ''))
    .filter(Boolean);
}
