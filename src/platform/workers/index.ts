export { type HubMember, WorkerHub } from './worker-hub.ts';
export { type LinkChannel, WorkerLink } from './worker-link.ts';
