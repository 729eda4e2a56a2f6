import { fail } from '../../../core/errors.ts';
import type { EndpointState } from '../../../lifecycle/serving/index.ts';
import { type HttpAnswer, jsonAnswer } from '../http/answer.ts';
import { nameInPath } from '../request-context.ts';

const deploymentsPath = /^\/api\/2\.0\/endpoints(?:\/([^/]+))?$/;

/**
 * `GET /api/2.0/endpoints[/<name>]`, by which MLflow's deployments client lists endpoints; null for other paths. Throws
 * `endpoint_unknown`.
 *
 * @param seen the endpoints that the caller may be told of
 */
export function answerDeployments(path: string, seen: () => readonly EndpointState[]): HttpAnswer | null {
  const match = deploymentsPath.exec(path);
  if (!match) return null;
  if (match[1] === undefined) {
    return jsonAnswer(200, { endpoints: seen().map(deploymentOf), next_page_token: null });
  }
  const endpoint = nameInPath(match[1]);
  const state = seen().find(({ route }) => route.endpoint === endpoint);
  if (!state) throw fail('endpoint_unknown', { endpoint, list: '/api/2.0/endpoints/' });
  return jsonAnswer(200, deploymentOf(state));
}

/** MLflow's own types are those of language models; `predict` of a model has none there. */
function deploymentOf({ route }: EndpointState): object {
  return {
    name: route.endpoint,
    endpoint_type: 'mlflow/predict',
    model: { name: route.model, provider: 'millrace' },
    endpoint_url: `/endpoints/${encodeURIComponent(route.endpoint)}/invocations`,
    limit: null,
  };
}
