import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * IPv4 that is not the public internet: IANA's special-purpose registry (private, shared, loopback, link-local,
 * documentation, benchmarks, reserved) and multicast.
 */
const notPublicV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Parts of 2000::/3, the public IPv6 space, that are special; 6to4 (2002::/16) is judged by what it carries. */
const notPublicV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
];

const refusedV4 = subnets(notPublicV4, 'ipv4');
const publicV6 = subnets([['2000::', 3]], 'ipv6');
const refusedV6 = subnets(notPublicV6, 'ipv6');

function subnets(nets: typeof notPublicV4, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [net, bits] of nets) list.addSubnet(net, bits, family);
  return list;
}

/**
 * Whether an address is on the public internet. Addresses of IPv6 that carry one of IPv4 (mapped, 6to4, NAT64)
 * are what they carry; what is no address at all, or has a zone, is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refusedV4.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return false;
  const groups = groupsOf(address);
  const [first = 0, second = 0, third = 0] = groups;
  const leadingZeros = groups.slice(0, 5).every((group) => group === 0);
  if (leadingZeros && groups[5] === 0xffff) return isPublicAddress(dotted(groups[6], groups[7]));
  if (first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) {
    return isPublicAddress(dotted(groups[6], groups[7]));
  }
  if (first === 0x2002) return isPublicAddress(dotted(second, third));
  return publicV6.check(address, 'ipv6') && !refusedV6.check(address, 'ipv6');
}

function dotted(high = 0, low = 0): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const group = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
    return `${group(a, b)}:${group(c, d)}`;
  });
  const [head = '', tail] = plain.split('::', 2);
  const numbers = (part: string): readonly number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = numbers(head);
  if (tail === undefined) return before;
  const after = numbers(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
