import { fail } from '../../core/errors.ts';
import type { ServeReplica } from '../../lifecycle/serving/index.ts';
import type { Registry } from '../../platform/metrics/index.ts';
import { type HttpAnswer, jsonAnswer } from './http-answer.ts';
import { isModelReady, modelMetadata, serverMetadata } from './oip-metadata.ts';
import { nameInPath } from './request-context.ts';

export interface GetContext {
  readonly replica: ServeReplica;
  readonly metrics: Registry;
  readonly version: string;
  /** False before the models are warm and while the server drains. */
  readonly ready: boolean;
}

const modelPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/ready)?\/?$/;

/** Answers health, metadata and metrics. Throws `route_not_found` and the errors of an unknown endpoint. */
export async function answerGet(path: string, context: GetContext): Promise<HttpAnswer> {
  const { replica, metrics, version, ready } = context;
  switch (path) {
    case '/v2':
    case '/v2/':
      return jsonAnswer(200, serverMetadata(version));
    case '/v2/health/live':
    case '/healthz':
      return jsonAnswer(200, { live: true });
    case '/v2/health/ready':
    case '/readyz':
      return jsonAnswer(ready ? 200 : 503, { live: true, ready });
    case '/ping':
    case '/health':
      return { status: ready ? 200 : 503, body: '\n', contentType: 'application/json' };
    case '/metrics':
      return { status: 200, body: await metrics.metrics(), contentType: metrics.contentType };
  }
  const match = modelPath.exec(path);
  if (!match) throw fail('route_not_found', { method: 'GET', path });
  const name = nameInPath(match[1] ?? '');
  const asked = match[2] === undefined ? null : nameInPath(match[2]);
  if (match[3]) {
    const modelReady = isModelReady(replica.plane, name, asked);
    return jsonAnswer(modelReady ? 200 : 503, { name, ready: modelReady });
  }
  const state = replica.plane.endpoint(name);
  const arm = replica.plane.arm(name, asked);
  if (!arm) throw fail('endpoint_empty', { endpoint: name });
  return jsonAnswer(200, modelMetadata(state, arm));
}
