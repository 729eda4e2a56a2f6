import type { IncomingHttpHeaders } from 'node:http';
import type { ModelRepository } from '../../lifecycle/serving/index.ts';
import type { Admission } from './admission.ts';
import {
  answerInfer,
  answerInvocation,
  answerV1Predict,
  type InferContext,
  onlyEndpoint,
} from './answer-infer.ts';
import { answerKeyForm } from './docs/key-page.ts';
import { type HttpAnswer, jsonAnswer } from './http/answer.ts';
import { decodedBody } from './http/content-encoding.ts';
import { unknownRoute } from './http/unknown-route.ts';
import { changeRepository, optionalJson, repositoryIndex } from './oip/repository-routes.ts';
import { changeSharedMemory } from './oip/shared-memory.ts';
import { nameInPath, type RequestContext } from './request-context.ts';
import { requireTraced, ServerSettings } from './server-settings.ts';
import { answerStreamPath } from './stream-routes.ts';

const inferPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer\/?$/;
const invocationsPath = /^(?:\/endpoints\/([^/]+))?\/invocations\/?$/;
const predictPath = /^\/v1\/models\/([^/:]+):predict$/;
const repositoryPath = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)\/?$/;
const pagePath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/docs\/?$/;
const tracePath = /^\/v2(?:\/models\/([^/]+)(?:\/versions\/[^/]+)?)?\/trace\/setting\/?$/;

/**
 * Whether a POST is a prediction whose answer is not a stream for certain. A stream is asked for by its path, or
 * by a member of the body, whose name may be written with escapes.
 */
export function answersInOnePiece(path: string, body: Buffer): boolean {
  if (inferPath.test(path) || predictPath.test(path)) return true;
  return invocationsPath.test(path) && !body.includes('"stream"') && !body.includes('\\');
}

export interface PostContext extends InferContext {
  /** Null where control decides what is served. */
  readonly repository: ModelRepository | null;
  readonly settings?: ServerSettings;
  /** Who may see an endpoint; left out: everybody. */
  readonly admission?: Admission;
}

/**
 * Answers a POST. Errors: those of the codecs, of Plane.predict and of the model repository.
 *
 * @param hasLeft whether the caller has left
 */
export function answerPost(
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  context: PostContext,
  hasLeft?: () => boolean,
): Promise<HttpAnswer> {
  const receivedAtMs = Date.now();
  const startedMs = performance.now();
  const infer = inferPath.exec(path);
  if (!infer) return answerOther(path, { headers, receivedAtMs, startedMs, hasLeft }, body, context);
  try {
    const endpoint = nameInPath(infer[1] ?? '');
    const version = infer[2] === undefined ? null : nameInPath(infer[2]);
    const request = { headers, receivedAtMs, startedMs, hasLeft, endpoint, version };
    return answerInfer(request, body, context);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function answerOther(
  path: string,
  clock: Omit<RequestContext, 'endpoint' | 'version'>,
  body: Buffer,
  context: PostContext,
): Promise<HttpAnswer> {
  const invocations = invocationsPath.exec(path);
  if (invocations) {
    const sees = (name: string) => context.admission?.sees(clock.headers)(name) ?? true;
    const endpoint =
      invocations[1] === undefined ? onlyEndpoint(context.plane, sees) : nameInPath(invocations[1]);
    return answerInvocation({ ...clock, endpoint, version: null }, body, context);
  }
  const predict = predictPath.exec(path);
  if (predict) {
    return answerV1Predict(
      { ...clock, endpoint: nameInPath(predict[1] ?? ''), version: null },
      body,
      context,
    );
  }
  return answerStreamPath(path, clock, body, context) ?? answerChange(path, clock.headers, body, context);
}

/** Changes to what is served and to settings. */
async function answerChange(
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  context: PostContext,
): Promise<HttpAnswer> {
  const { plane, repository, admission, settings = new ServerSettings() } = context;
  const encoding = headers['content-encoding'];
  const plain = encoding ? await decodedBody(body, encoding, context) : body;
  if (/^\/v2\/repository\/index\/?$/.test(path)) {
    return repositoryIndex(plain, plane, repository, admission?.sees(headers) ?? (() => true));
  }
  const change = repositoryPath.exec(path);
  if (change) {
    return changeRepository(nameInPath(change[1] ?? ''), change[2] as 'load' | 'unload', plain, repository);
  }
  const page = pagePath.exec(path);
  if (page) {
    const version = page[2] === undefined ? null : nameInPath(page[2]);
    return answerKeyForm(nameInPath(page[1] ?? ''), version, plain, plane, admission);
  }
  const trace = tracePath.exec(path);
  if (trace) {
    const model = trace[1] === undefined ? null : nameInPath(trace[1]);
    if (model !== null) requireTraced(plane, model);
    return jsonAnswer(200, settings.updateTrace(model, optionalJson(plain)));
  }
  if (/^\/v2\/logging\/?$/.test(path)) return jsonAnswer(200, settings.updateLog(optionalJson(plain)));
  const regions = changeSharedMemory(path);
  if (regions) return regions;
  throw unknownRoute('POST', path);
}
