import type { PredictReply, ServedArm } from '../../../lifecycle/serving/index.ts';
import { classify } from '../oip/classification.ts';
import { datatypeOf } from '../oip/datatypes.ts';
import type { InferRequest } from '../oip/infer-request.ts';
import { encodeRaw } from '../oip/raw-tensors.ts';
import type { ModelInferResponse } from './infer-messages.ts';

/**
 * The answer, always with raw contents: stock clients read nothing else. `id` is as over REST.
 *
 * @param arm whose class labels name classifications
 */
export function modelInferResponse(
  endpoint: string,
  { id, outputs, request }: InferRequest,
  reply: PredictReply,
  arm: ServedArm | null,
): ModelInferResponse {
  const [first] = reply.rows;
  const answerId =
    request.predictionIds === null && reply.rows.length === 1 && first ? first.predictionId : id;
  const wanted = outputs ?? reply.outputs.map(({ name }) => ({ name, top: 0 }));
  const heads: { name: string; datatype: string; shape: readonly number[] }[] = [];
  const raw: Uint8Array[] = [];
  for (const { name, top } of wanted) {
    const output = reply.outputs.find((o) => o.name === name);
    if (!output) continue;
    if (top > 0) {
      const { texts, shape } = classify(output, top, arm?.model.manifest ?? null);
      heads.push({ name, datatype: 'BYTES', shape });
      raw.push(encodeRaw('BYTES', texts));
    } else {
      const datatype = datatypeOf(output);
      heads.push({ name, datatype, shape: output.shape });
      raw.push(encodeRaw(datatype, output.values()));
    }
  }
  return {
    model_name: endpoint,
    model_version: reply.modelVersion ?? '',
    id: answerId,
    parameters: {
      ...(reply.modelVersion !== null && first ? { arm: { string_param: first.arm } } : {}),
      route_version: { int64_param: reply.routeVersion },
    },
    outputs: heads,
    raw_output_contents: raw,
  };
}
