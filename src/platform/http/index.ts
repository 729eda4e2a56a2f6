export type { BrowserGuardOptions } from './browser-guard.ts';
export { ConnectionRoom } from './connection-room.ts';
export { drain } from './drain.ts';
export { type ListenAddress, listenError } from './listen-error.ts';
export { type ProblemBody, problemBody, toMillraceError, toProblem } from './problem.ts';
export {
  countedPageOf,
  decodePageToken,
  defineRoute,
  encodePageToken,
  pageOf,
  pageQuery,
  type Route,
  type RouteContext,
  readPage,
  toPage,
} from './route.ts';
export {
  actorOf,
  addRoutes,
  createHttpServer,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HttpServerOptions,
  listen,
} from './server.ts';
export { openSse, type SseStream } from './sse.ts';
