import type { ErrorEntries } from './ErrorEntry.ts';

export const servingErrors = {
  onnx_invalid: {
    status: 422,
    title: 'Model cannot be served',
    message: 'the ONNX model cannot be served: {problem}',
    next: 'Export the model again (scikit-learn: skl2onnx or mlflow.onnx.log_model with zipmap off) and register it.',
  },
  package_refused: {
    status: 422,
    title: 'Model refused',
    message: 'the model cannot be packaged: {problem}',
    next: '{remedy}',
  },
  python_missing: {
    status: 503,
    title: 'Python missing',
    message: 'the Python at {path} cannot convert a {flavor} model: {problem}',
    next: 'Install the conversion packages (make python), set MILLRACE_PYTHON, or log the model with mlflow.onnx.',
  },
  endpoint_unknown: {
    status: 404,
    title: 'Unknown endpoint',
    message: 'Request for unknown model: "{endpoint}" is not an endpoint of this server',
    next: 'List the endpoints with GET {list}.',
  },
  model_version_unknown: {
    status: 404,
    title: 'Unknown model version',
    message: 'Request for unknown model: endpoint "{endpoint}" does not serve version "{version}"',
    next: 'It serves {versions}; leave the version out to let the router choose.',
  },
  endpoint_empty: {
    status: 503,
    title: 'No model deployed',
    message: 'endpoint "{endpoint}" has no model ready',
    next: 'Deploy one (POST /api/v1/endpoints/{endpoint}/deploy on control), or wait until it is loaded.',
  },
  request_malformed: {
    status: 400,
    title: 'Malformed request',
    message: '{problem}',
    next: 'Correct the request and send it again.',
  },
  input_missing: {
    status: 400,
    title: 'Input missing',
    message: 'input "{input}" is missing; expected {expected}{extra}',
    next: 'Send the input; GET /v2/models/{endpoint} lists all inputs.',
  },
  input_unexpected: {
    status: 400,
    title: 'Input unexpected',
    message: 'input "{input}" is not in the signature of the model; expected {expected}',
    next: 'Leave it out; GET /v2/models/{endpoint} lists all inputs.',
  },
  input_invalid: {
    status: 400,
    title: 'Input invalid',
    message: 'input "{input}"{row} is {value}; expected {expected}',
    next: 'Correct the value; GET /v2/models/{endpoint} lists the types.',
  },
  inference_failed: {
    status: 500,
    title: 'Inference failed',
    message: 'version {version} of {model} failed on this input: {problem}',
    next: 'Roll the endpoint back if it goes on; the request is in the prediction log.',
  },
  output_not_finite: {
    status: 500,
    title: 'Output not finite',
    message: 'version {version} of {model} gave {value} as {output}',
    next: 'Check the inputs for extreme values; roll the endpoint back if it goes on.',
  },
  queue_full: {
    status: 503,
    title: 'Overloaded',
    message: '{waiting} rows wait for endpoint "{endpoint}" already',
    next: 'Send the request again after a second, or start another replica.',
  },
  prediction_log_unavailable: {
    status: 503,
    title: 'Prediction log unavailable',
    message: 'the prediction could not be logged: {problem}',
    next: 'Free space where the replica keeps its data; it answers again by itself as soon as it can write.',
  },
  endpoint_no_challenger: {
    status: 409,
    title: 'No challenger',
    message: 'endpoint "{endpoint}" has no challenger to {action}',
    next: 'Give it one first: POST /api/v1/endpoints/{endpoint}/challenge.',
  },
  endpoint_no_champion: {
    status: 409,
    title: 'No champion',
    message: 'endpoint "{endpoint}" has no champion yet',
    next: 'Deploy a version first: POST /api/v1/endpoints/{endpoint}/deploy.',
  },
  rollback_impossible: {
    status: 409,
    title: 'Nothing to roll back to',
    message: 'endpoint "{endpoint}" has no {what}',
    next: 'List the earlier routes with GET /api/v1/endpoints/{endpoint}/route-versions.',
  },
  replicas_behind: {
    status: 504,
    title: 'Replicas did not follow',
    message: 'route {routeVersion} of endpoint "{endpoint}" was not taken by {replicas}: {problem}',
    next: 'The route is kept and will be taken when the replica can; look at GET /api/v1/replicas.',
  },
  replicas_unsealed: {
    status: 503,
    title: 'Prediction log incomplete',
    message: 'the prediction log of {replicas} did not arrive in time',
    next: 'Bring the replica back, or forget it with DELETE /api/v1/replicas/<id> if it is gone for good; then repeat.',
  },
} as const satisfies ErrorEntries;
