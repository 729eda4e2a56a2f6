export { isPublicAddress } from './address.ts';
export { Outbound, type OutboundAnswer, type OutboundPolicy } from './outbound.ts';
export { OutboundRefused, type RefusalKind } from './outbound-refused.ts';
export type { Resolve } from './resolve.ts';
