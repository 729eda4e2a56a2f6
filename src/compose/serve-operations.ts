import { fail } from '../core/errors.ts';
import type { ControlledReplica, ServeReplica } from '../lifecycle/serving/index.ts';
import { bytesOf, durationMsOf, flagOf, type Settings } from '../platform/config/index.ts';
import { ConnectionRoom } from '../platform/http/index.ts';
import type { LimitSource } from '../platform/limits/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Registry } from '../platform/metrics/index.ts';
import { exporterOf, type SpanExporter } from '../platform/tracing/index.ts';
import {
  Admission,
  BodyRoom,
  defaultHttpLimits,
  type InferenceServerOptions,
  TlsFiles,
} from '../surfaces/inference/index.ts';

type Options = Pick<InferenceServerOptions, 'http' | 'admission' | 'room' | 'bodyRoom' | 'tls' | 'spans'>;

/** What bounds, guards and watches the servers of the serve role, and what has to be closed after them. */
interface ServeOperations {
  readonly options: Options;
  /** `http` or `https`. */
  readonly scheme: string;
  close(): Promise<void>;
}

/**
 * @param limits where limits of endpoints are counted; left out: in this process
 * Throws `config_invalid` for half a certificate, `tls_files_unreadable`.
 */
export async function openServeOperations(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  replica: ServeReplica & Partial<Pick<ControlledReplica, 'keyRing'>>,
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Registry },
  limits?: LimitSource,
): Promise<ServeOperations> {
  const tls = tlsOf(settings, logger);
  let told = false;
  const spans: SpanExporter | null = exporterOf(env, 'millrace-serve', (error) => {
    if (!told) logger.warn({ err: error }, 'spans are lost: the collector of traces does not take them');
    told = true;
  });
  const room = await ConnectionRoom.open({
    bound: { connections: settings.serveMaxConnections, setting: flagOf('serveMaxConnections') },
    logger,
    metrics,
  });
  return {
    scheme: tls ? 'https' : 'http',
    options: {
      room,
      bodyRoom: new BodyRoom(bytesOf(settings.serveBodiesLimit), flagOf('serveBodiesLimit')),
      http: {
        ...defaultHttpLimits,
        bodyBytes: bytesOf(settings.serveBodyLimit),
        headerBytes: settings.serveHeaderLimit,
        headersTimeoutMs: durationMsOf(settings.serveHeadersTimeout),
        requestTimeoutMs: durationMsOf(settings.serveRequestTimeout),
      },
      admission: new Admission(replica.plane, replica.keyRing, limits, settings.serveMetricsKey),
      ...(tls ? { tls } : {}),
      ...(spans ? { spans } : {}),
    },
    async close() {
      room.close();
      tls?.close();
      await spans?.close();
    },
  };
}

function tlsOf(settings: Settings, logger: Logger): TlsFiles | null {
  const { serveTlsCert: cert, serveTlsKey: key, serveTlsClientCa: clientCa } = settings;
  if (cert === undefined && key === undefined && clientCa === undefined) return null;
  if (cert !== undefined && key !== undefined) {
    return new TlsFiles({ cert, key, ...(clientCa === undefined ? {} : { clientCa }) }, logger);
  }
  const field = flagOf(cert === undefined ? 'serveTlsCert' : 'serveTlsKey');
  throw fail('config_invalid', { field, problem: 'is missing: a certificate and its key go together' });
}
