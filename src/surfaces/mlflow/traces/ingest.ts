import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import type { Experiments } from '../../../lifecycle/experiments/index.ts';
import { actorOf, type FastifyInstance, type FastifyReply } from '../../../platform/http/index.ts';
import { readOtlp } from './otlp.ts';

const gunzipped = promisify(gunzip);
const inflated = promisify(inflate);
const inflatedRaw = promisify(inflateRaw);

/** Spans of one request, before and after unpacking. */
const bodyLimitBytes = 64 * 1024 * 1024;

/**
 * Spans by OpenTelemetry's protocol over HTTP, protobuf or JSON, plain or packed. The header
 * `x-mlflow-experiment-id` says where they belong, `x-mlflow-run-id` links their traces to a run. Refusals have
 * the shape of MLflow's server (`server/otel_api.py`).
 */
export function addOtlpIngest(scope: FastifyInstance, { traces }: Experiments): void {
  void scope.register(async (otlp) => {
    otlp.removeAllContentTypeParsers();
    otlp.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyLimitBytes }, (_request, body, done) =>
      done(null, body),
    );
    otlp.post('/v1/traces', async (request, reply) => {
      const { headers } = request;
      const experimentId = headers['x-mlflow-experiment-id'];
      const runId = headers['x-mlflow-run-id'];
      if (typeof experimentId !== 'string') return missingHeader(reply, 'x-mlflow-experiment-id');
      const contentType = headers['content-type'];
      const type = contentType?.split(';')[0]?.trim();
      if (type !== 'application/x-protobuf' && type !== 'application/json') {
        return refuse(
          reply,
          400,
          `Invalid Content-Type: ${contentType ?? 'None'}. Expected: application/x-protobuf or application/json`,
        );
      }
      const encoding = headers['content-encoding']?.toLowerCase();
      const body = await unpacked(request.body instanceof Buffer ? request.body : Buffer.alloc(0), encoding);
      if (typeof body === 'string') return refuse(reply, 400, body);
      let read: Awaited<ReturnType<typeof readOtlp>>;
      try {
        read = await readOtlp(body, type === 'application/json' ? 'json' : 'protobuf');
      } catch {
        return refuse(reply, 422, 'Cannot convert OpenTelemetry span to MLflow span');
      }
      if (read === null) return refuse(reply, 400, 'Invalid OpenTelemetry format');
      if (!read.hasResources) return refuse(reply, 400, 'Invalid OpenTelemetry format - no spans found');
      if (read.spans.length > 0) {
        await traces.logSpans(
          actorOf(request),
          experimentId,
          read.spans,
          typeof runId === 'string' ? runId : null,
        );
      }
      return reply.code(200).type('application/x-protobuf').send(Buffer.alloc(0));
    });
  });
}

/** The body without its packing, or why it cannot be unpacked. */
async function unpacked(body: Buffer, encoding: string | undefined): Promise<Buffer | string> {
  const options = { maxOutputLength: bodyLimitBytes };
  if (!encoding || encoding === 'identity') return body;
  if (encoding === 'gzip') {
    return gunzipped(body, options).catch(() => 'Failed to decompress gzip payload');
  }
  if (encoding === 'deflate') {
    return inflated(body, options)
      .catch(() => inflatedRaw(body, options))
      .catch(() => 'Failed to decompress deflate payload');
  }
  return `Unsupported Content-Encoding: ${encoding}`;
}

function refuse(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply.code(status).type('application/json').send({ detail });
}

function missingHeader(reply: FastifyReply, name: string): FastifyReply {
  const detail = [{ type: 'missing', loc: ['header', name], msg: 'Field required', input: null }];
  return reply.code(422).type('application/json').send({ detail });
}
