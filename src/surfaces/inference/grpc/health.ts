import type { ServeReplica } from '../../../lifecycle/serving/index.ts';
import { inferenceService } from './inference-service.ts';
import type { Handler, StreamCall } from './methods.ts';
import { GrpcError, grpcStatus } from './status.ts';

export const healthService = 'grpc.health.v1.Health';

const status = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;
const watchEveryMs = 500;

/** gRPC's health checking: of the whole server (the empty name), of a service, of an endpoint by its name. */
export function healthHandlers(replica: ServeReplica): Readonly<Record<string, Handler>> {
  const serving = (ready: boolean) => (ready ? status.serving : status.notServing);
  const statusOf = (service: string): number | null => {
    if (service === '' || service === inferenceService || service === healthService) {
      return serving(replica.ready);
    }
    const endpoint = replica.plane.endpoints.find((state) => state.route.endpoint === service);
    return endpoint ? serving(endpoint.champion !== null) : null;
  };
  return {
    Check: {
      unary: ({ service }: { readonly service: string }) => {
        const found = statusOf(service);
        if (found !== null) return { status: found };
        throw new GrpcError(grpcStatus.notFound, `there is no service "${service.slice(0, 200)}"`);
      },
    },
    Watch: { stream: (call) => watch(call, statusOf) },
  };
}

/** Sends the status at once and at each change, until the caller goes; NOT_SERVING when the server goes. */
async function watch(call: StreamCall, statusOf: (service: string) => number | null): Promise<void> {
  const { signal } = call;
  const messages = (call.messages as AsyncIterable<{ readonly service: string }>)[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done)
    throw new GrpcError(grpcStatus.invalidArgument, 'Watch needs a message that names a service');
  let told: number | null = null;
  while (!signal.aborted) {
    const now = statusOf(first.value.service) ?? status.serviceUnknown;
    if (now !== told) await call.send({ status: now });
    told = now;
    await changeOrEnd(signal);
  }
  await call.send({ status: status.notServing });
}

function changeOrEnd(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, watchEveryMs).unref();
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
