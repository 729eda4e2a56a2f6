import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../support/server.ts';

/** Requests as MLflow's Java and R clients write them (mlflow/java, mlflow/R): `$run` is the id of the run made. */
interface Recorded {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/2.0/mlflow/`, with the query. */
  readonly path: string;
  readonly body?: string;
}
interface Client {
  readonly headers: Readonly<Record<string, string>>;
  readonly createRun: string;
  readonly requests: readonly Recorded[];
}

const post = (path: string, body: string): Recorded => ({ method: 'POST', path, body });
const get = (path: string): Recorded => ({ method: 'GET', path });

/** Protobuf's JsonFormat: indented, names of the proto, 64-bit numbers as text, numbers that are none by name. */
const java: Client = {
  headers: {
    'content-type': 'application/json',
    'user-agent': 'mlflow-java-client/3.11.2',
    accept: 'application/json',
  },
  createRun:
    '{\n  "experiment_id": "0",\n  "user_id": "duke",\n  "start_time": "1700000000000",\n  "run_name": "java"\n}',
  requests: [
    post(
      'runs/log-parameter',
      '{\n  "run_uuid": "$run",\n  "run_id": "$run",\n  "key": "lr",\n  "value": "0.1"\n}',
    ),
    post(
      'runs/log-metric',
      '{\n  "run_uuid": "$run",\n  "run_id": "$run",\n  "key": "loss",\n  "value": 0.5,\n  "timestamp": "1700000000001",\n  "step": "3"\n}',
    ),
    post(
      'runs/log-metric',
      '{\n  "run_uuid": "$run",\n  "run_id": "$run",\n  "key": "odd",\n  "value": "NaN",\n  "timestamp": "1700000000001",\n  "step": "0"\n}',
    ),
    post('runs/set-tag', '{\n  "run_uuid": "$run",\n  "run_id": "$run",\n  "key": "t",\n  "value": "v"\n}'),
    post(
      'runs/log-batch',
      '{\n  "run_id": "$run",\n  "metrics": [{\n    "key": "auc",\n    "value": 1.0E-4,\n    "timestamp": "5",\n    "step": "1"\n  }],\n  "params": [{\n    "key": "p",\n    "value": "q"\n  }],\n  "tags": []\n}',
    ),
    post('runs/delete-tag', '{\n  "run_id": "$run",\n  "key": "t"\n}'),
    post(
      'runs/update',
      '{\n  "run_uuid": "$run",\n  "run_id": "$run",\n  "status": "FINISHED",\n  "end_time": "1700000000009"\n}',
    ),
    get('runs/get?run_uuid=$run&run_id=$run'),
    get('metrics/get-history?run_uuid=$run&run_id=$run&metric_key=loss'),
    post(
      'runs/search',
      '{\n  "experiment_ids": ["0"],\n  "filter": "metrics.loss \\u003c 1",\n  "run_view_type": "ACTIVE_ONLY",\n  "max_results": 1000,\n  "order_by": ["metrics.loss ASC"]\n}',
    ),
    post('experiments/search', '{\n  "view_type": "ACTIVE_ONLY",\n  "max_results": "1000"\n}'),
    get('experiments/get-by-name?experiment_name=Default'),
    post('experiments/set-experiment-tag', '{\n  "experiment_id": "0",\n  "key": "k",\n  "value": "v"\n}'),
    post('registered-models/create', '{\n  "name": "java model"\n}'),
    post(
      'model-versions/create',
      '{\n  "name": "java model",\n  "source": "s3://bucket/model",\n  "run_id": "$run"\n}',
    ),
    post(
      'model-versions/transition-stage',
      '{\n  "name": "java model",\n  "version": "1",\n  "stage": "Staging"\n}',
    ),
    {
      method: 'PATCH',
      path: 'model-versions/update',
      body: '{\n  "name": "java model",\n  "version": "1"\n}',
    },
    get('registered-models/get-latest-versions?name=java+model&stages=None&stages=Staging'),
    get('model-versions/get?name=java+model&version=1'),
    get('model-versions/get-download-uri?name=java+model&version=1'),
    get('model-versions/search?filter=name%3D%27java+model%27&max_results=100&order_by=name+ASC'),
    get('artifacts/list?run_uuid=$run&run_id=$run'),
  ],
};

/** httr with jsonlite: every value is text, numbers as R prints them. */
const r: Client = {
  headers: {
    'content-type': 'application/json',
    'user-agent': 'mlflow-r-client/3.11.2',
    accept: 'application/json, text/xml, application/xml, */*',
  },
  createRun:
    '{"experiment_id":"0","user_id":"ross","start_time":"1700000000000","tags":[{"key":"mlflow.user","value":"ross"}]}',
  requests: [
    post('runs/log-parameter', '{"run_uuid":"$run","run_id":"$run","key":"lr","value":"0.1"}'),
    post(
      'runs/log-metric',
      '{"run_uuid":"$run","run_id":"$run","key":"loss","value":"0.5","timestamp":"1700000000001","step":"3"}',
    ),
    post(
      'runs/log-metric',
      '{"run_uuid":"$run","run_id":"$run","key":"loss","value":"0.25","timestamp":"1700000000001","step":"1e+05"}',
    ),
    post(
      'runs/log-metric',
      '{"run_uuid":"$run","run_id":"$run","key":"odd","value":"NaN","timestamp":"1700000000001","step":"0"}',
    ),
    post(
      'runs/log-metric',
      '{"run_uuid":"$run","run_id":"$run","key":"low","value":"-Inf","timestamp":"1700000000001","step":"0"}',
    ),
    post('runs/set-tag', '{"run_uuid":"$run","run_id":"$run","key":"t","value":"TRUE"}'),
    post(
      'runs/log-batch',
      '{"run_id":"$run","metrics":[{"key":"auc","value":"1e-04","step":"1","timestamp":"5"}],"params":[{"key":"p","value":"q"}],"tags":[]}',
    ),
    post('runs/delete-tag', '{"run_id":"$run","key":"t"}'),
    post('runs/update', '{"run_uuid":"$run","run_id":"$run","status":"FINISHED","end_time":"1700000000009"}'),
    get('runs/get?run_uuid=$run&run_id=$run'),
    get('metrics/get-history?run_uuid=$run&run_id=$run&metric_key=loss&max_results=25000'),
    post(
      'runs/search',
      '{"experiment_ids":["0"],"filter":"params.lr = \\"0.1\\"","run_view_type":"ACTIVE_ONLY","order_by":["metrics.loss ASC"]}',
    ),
    get('experiments/get?experiment_id=0'),
    post('registered-models/create', '{"name":"r model","description":"of R"}'),
    post('model-versions/create', '{"name":"r model","source":"s3://bucket/model","run_id":"$run"}'),
    { method: 'PATCH', path: 'registered-models/update', body: '{"name":"r model","description":"again"}' },
    get('registered-models/get-latest-versions?name=r%20model&stages=None'),
    { method: 'DELETE', path: 'model-versions/delete', body: '{"name":"r model","version":"1"}' },
    { method: 'DELETE', path: 'registered-models/delete', body: '{"name":"r model"}' },
  ],
};

test("requests as MLflow's Java and R clients write them are taken", async (t) => {
  const { url } = await startServer(t, { role: 'control' });
  for (const { headers, createRun, requests } of [java, r]) {
    const send = async ({ method, path, body }: Recorded): Promise<unknown> => {
      const init = { method, headers, ...(body === undefined ? {} : { body }) };
      const response = await fetch(`${url}/api/2.0/mlflow/${path}`, init);
      const answer = await response.text();
      assert.equal(response.status, 200, `${method} ${path} ${body}: ${answer}`);
      return JSON.parse(answer);
    };
    const made = (await send(post('runs/create', createRun))) as {
      readonly run: { readonly info: { readonly run_id: string } };
    };
    const id = made.run.info.run_id;
    for (const request of requests) {
      const path = request.path.replaceAll('$run', id);
      await send({
        ...request,
        path,
        ...(request.body ? { body: request.body.replaceAll('$run', id) } : {}),
      });
    }
    const read = (await send(get(`runs/get?run_id=${id}`))) as unknown as {
      readonly run: {
        readonly info: Readonly<Record<string, unknown>>;
        readonly data: Readonly<
          Record<'params' | 'tags' | 'metrics', { key: string; value: unknown; step?: number }[]>
        >;
      };
    };
    const { info, data } = read.run;
    assert.deepEqual(
      [info.status, info.end_time, info.start_time],
      ['FINISHED', 1_700_000_000_009, 1_700_000_000_000],
    );
    const values = new Map(data.metrics.map((metric) => [metric.key, metric.value]));
    assert.deepEqual([values.get('auc'), values.get('odd')], [0.0001, 'NaN']);
    assert.deepEqual(
      new Map(data.params.map((param) => [param.key, param.value])),
      new Map([
        ['lr', '0.1'],
        ['p', 'q'],
      ]),
    );
    assert.ok(!data.tags.some((tag) => tag.key === 't'));
  }
});
