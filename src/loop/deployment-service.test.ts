import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepRun } from '../lifecycle/pipelines/index.ts';
import { forEachDatabase } from '../platform/db/testing.ts';
import { DeploymentService } from './deployment-service.ts';

const actor = { kind: 'user', id: 'ada' } as const;

forEachDatabase((name, open) => {
  test(`${name}: a packaging that fails is told to whoever asks again, and not once one went well`, async (t) => {
    const steps: StepRun[] = [];
    let loading: string[] = ['east'];
    const service = new DeploymentService(
      await open(t, []),
      {
        list: async (_, { limit }) => steps.slice(0, limit),
        start: async (_, { kind, subject }) => {
          const id = `step-${steps.length + 1}`;
          const times = { createdAt: '', startedAt: null, finishedAt: null, durationMs: null };
          const begun = { place: 'work', status: 'queued', inputs: {}, outputs: null, error: null } as const;
          steps.unshift({ id, kind, subject, attempts: 0, ...begun, ...times });
          return id;
        },
      },
      {
        version: async () => ({ digest: null, modelId: 'm-1' }),
        packageInputs: async () => ({}),
        runtimeOf: async () => 'onnx',
        attach: async () => 'sha256:1',
        deploy: async () => ({ routeVersion: 7, loading }),
      },
    );
    const ask = () => service.deploy(actor, { model: 'churn', version: 1, reason: 'test' });
    const end = (change: Partial<StepRun>) => steps.splice(0, 1, { ...(steps[0] as StepRun), ...change });
    // A model may be called otherwise than an endpoint can be; nothing is begun for such a one.
    await assert.rejects(service.deploy(actor, { model: 'Churn of May', version: 1, reason: 'test' }), {
      code: 'invalid_input',
      message: /^endpoint: expected letters, digits, dot, dash or underscore .*, not "Churn of May"$/,
    });
    assert.equal(steps.length, 0);
    const failed = { stepRunId: 'step-1', code: 'conversion_failed', message: 'no such operator' };

    const first = await ask();
    assert.deepEqual([first.state, first.stepRunId, first.failure], ['packaging', 'step-1', null]);
    const { code, message } = failed;
    end({ status: 'failed', error: { code, message, next: '' } });
    for (let i = 0; i < 2; i++) {
      const again = await ask();
      assert.deepEqual([again.state, again.stepRunId, again.failure], ['packaging', 'step-2', failed]);
    }
    end({ status: 'succeeded', outputs: {} });
    const early = await ask();
    assert.deepEqual([early.state, early.loading, early.routeVersion], ['loading', ['east'], 7]);
    loading = [];
    const last = await ask();
    assert.deepEqual([last.state, last.failure, last.routeVersion], ['deployed', null, 7]);
  });
});
