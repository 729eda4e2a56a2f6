import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../core/errors.ts';
import { formatTime } from '../../core/time.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { labelJoinOutputsSchema } from './contract.ts';
import { labelJoinStep } from './jobs.ts';
import { ada, openFeedbackService } from './testing.ts';

const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

forEachDatabase((name, open) => {
  test(`labels that were acknowledged before the step are joined, though their predictions are still with a replica (${name})`, async (t) => {
    const { service, send, frames, blobs, directory } = await openFeedbackService(t, open);
    const rows = ['a', 'b'].map((id, i) => ({
      id,
      entity: id,
      eventTimeMs: start + i,
      features: { distance: i },
    }));
    const labels = [
      { predictionId: 'a', value: 1, eventTime: start + 10 },
      { entity: 'b', at: start + 1, value: 0, eventTime: start + 10 },
    ];
    await service.postLabels(ada, { endpoint, labels });
    const inputs = {
      endpoint,
      from: formatTime(start),
      to: formatTime(start + 1000),
      features: ['distance'],
      label: 'late',
      time: 'date',
    };
    const logged: string[] = [];
    const run = async (sealed: () => Promise<void>) => {
      const outputs = await labelJoinStep(service, sealed).run(inputs, {
        stepRunId: 's',
        attempt: 1,
        subject: 'flights/2',
        token: '',
        controlUrl: '',
        signal: new AbortController().signal,
        workDir: directory,
        blobs,
        frames,
        log: (line) => logged.push(line),
      });
      return labelJoinOutputsSchema.parse(outputs);
    };
    await assert.rejects(
      run(async () => undefined),
      { code: 'join_empty' },
    );
    const sent = await run(async () => {
      await send(rows);
    });
    assert.deepEqual([sent.rows, sent.waiting], [2, 0]);
    const away = await run(() => Promise.reject(fail('replicas_unsealed', { replicas: 'b2' })));
    assert.equal(away.rows, 2);
    assert.match(logged.join('\n'), /rows are left out: the prediction log of b2 did not arrive in time/);
  });
});
