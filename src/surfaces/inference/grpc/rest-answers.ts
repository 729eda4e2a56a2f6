import { fail } from '../../../core/errors.ts';
import { Admission } from '../admission.ts';
import { answerGet } from '../get-routes.ts';
import { answerPost } from '../post-routes.ts';
import type { InferenceServerOptions } from '../server.ts';
import { ServerSettings } from '../server-settings.ts';
import type { Call } from './methods.ts';

/**
 * What REST answers to the calls that are not predictions, as a value: each of them is written once, and gRPC turns
 * it into messages. Throws the errors of the routes.
 *
 * @param caller who asks, where the answer depends on it
 */
export type RestAnswers = (
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  caller?: Pick<Call, 'headers'>,
) => Promise<unknown>;

/** @param limitBytes largest body, for models that come with a load request */
export function restAnswers(options: InferenceServerOptions, limitBytes: number): RestAnswers {
  const { replica, repository, settings = new ServerSettings() } = options;
  const admission = options.admission ?? new Admission(replica.plane, replica.keyRing);
  const postContext = {
    plane: replica.plane,
    limitBytes,
    repository: repository ?? null,
    settings,
    admission,
  };
  return async (method, path, body, caller) => {
    // The rest of the metadata describes gRPC's own messages.
    const { authorization, 'x-api-key': key } = caller?.headers ?? {};
    const headers = { authorization, 'x-api-key': key };
    const answer =
      method === 'GET'
        ? await answerGet(path, {
            ...options,
            settings,
            ready: replica.ready,
            caller: { admission, headers },
          })
        : await answerPost(path, headers, Buffer.from(JSON.stringify(body ?? {})), postContext);
    const text = answer.body.toString();
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    if (answer.status === 200) return value;
    throw fail('internal', { reference: `${method} ${path} answered ${answer.status}` });
  };
}

/** `/v2/models/<name>[/versions/<version>]`. */
export function modelPath(name: string, version = ''): string {
  const path = `/v2/models/${encodeURIComponent(name)}`;
  return version === '' ? path : `${path}/versions/${encodeURIComponent(version)}`;
}
