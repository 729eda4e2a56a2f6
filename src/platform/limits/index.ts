export { type LimitChannel, leasedLimits } from './leased-limits.ts';
export { type Limit, type LimitSource, type LimitSpec, localLimits } from './limit.ts';
export { LimitHub, type LimitMember } from './limit-hub.ts';
