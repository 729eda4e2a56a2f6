export { isPublicAddress } from './address.ts';
export { Outbound, type OutboundAnswer, type OutboundPolicy } from './Outbound.ts';
export { OutboundRefused, type RefusalKind } from './OutboundRefused.ts';
export type { Resolve } from './resolve.ts';
