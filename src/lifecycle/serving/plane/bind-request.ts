import { requestField } from '../../../core/model-package.ts';
import type { RequestTensor } from './request.ts';

/** Inputs that say who a request is about, not what. */
const aboutRequest: ReadonlySet<string> = new Set(['prediction_id', 'entity', 'event_time']);

/**
 * The only cell of a model without a signature: the request as text of JSON. A tensor of texts with the field's name is
 * that text already (a body of MLflow's scoring); other tensors become `{"tensors": [{name, datatype, shape, data}]}`.
 */
export function bindRequest(tensors: readonly RequestTensor[]): string {
  const given = tensors.filter(({ name }) => !aboutRequest.has(name));
  const [only] = given;
  const text = only?.data[0];
  if (given.length === 1 && only?.name === requestField.name && only.width === 1 && typeof text === 'string')
    return text;
  return JSON.stringify({
    tensors: given.map(({ name, datatype, shape, width, data }) => ({
      name,
      datatype,
      shape: shape ?? [width],
      data: Array.from(data, exactJson),
    })),
  });
}

/** Integers beyond 2^53, NaN and infinities are texts, which numpy reads as the tensor's datatype says. */
function exactJson(value: unknown): unknown {
  const hasNumber = typeof value !== 'bigint' && (typeof value !== 'number' || Number.isFinite(value));
  return hasNumber ? value : String(value);
}
