import { join } from 'node:path';
import { startTestControl } from '../../test/support/serving.ts';
import { report, runLoad } from '../support/index.ts';
import { jsonBodies } from './requests.ts';
import type { BenchContext } from './rows.ts';

const SWAPS = Number(process.env.BENCH_SWAPS ?? 100);
const RESTARTS = Number(process.env.BENCH_RESTARTS ?? 20);
const loadMs = 2000;
const actor = { kind: 'user', id: 'bench' } as const;

/** Requests and failures of a load that goes on while something is done. */
async function loadWhile(
  { millrace, senderCore }: BenchContext,
  work: () => Promise<void>,
): Promise<{ readonly requests: number; readonly failed: number }> {
  let [requests, failed, working] = [0, 0, true];
  const loading = (async () => {
    while (working) {
      const plan = {
        url: millrace.infer('bench').url,
        bodies: jsonBodies(1),
        connections: 16,
        durationMs: loadMs,
      };
      const result = await runLoad(plan, senderCore);
      requests += result.requests;
      failed += Object.values(result.failures).reduce((a, b) => a + b, 0);
    }
  })();
  try {
    await work();
  } finally {
    working = false;
    await loading;
  }
  return { requests, failed };
}

/** Every swap loads a package that the replica has not seen, warms it up, and closes the one before. */
export async function hotSwaps(context: BenchContext): Promise<void> {
  const { millrace } = context;
  const { service } = millrace.control;
  const { requests, failed } = await loadWhile(context, async () => {
    for (let i = 0; i < SWAPS; i++) {
      const packageDigest = await millrace.storeOnnx(`swap-${i}`);
      const version = { modelVersion: String(i + 3), packageDigest };
      const { routeVersion } = await service.deploy(actor, 'bench', version, 'bench');
      await service.settled('bench', routeVersion);
    }
  });
  report({
    name: `failed requests of ${requests} during ${SWAPS} hot swaps`,
    value: failed,
    unit: 'requests',
    aim: { most: 0, of: 'value' },
  });
}

/** Control goes away and comes back on its port and data; the replica answers on. Last: control is another one then. */
export async function controlRestarts(context: BenchContext): Promise<void> {
  const { control } = context.millrace;
  const port = Number(new URL(control.url).port);
  const directory = join(context.folder);
  let running = control;
  const { requests, failed } = await loadWhile(context, async () => {
    for (let i = 0; i < RESTARTS; i++) {
      await running.stop();
      running = await startTestControl(directory, port);
    }
  });
  await running.stop();
  report({
    name: `failed requests of ${requests} during ${RESTARTS} restarts of control`,
    value: failed,
    unit: 'requests',
    aim: { most: 0, of: 'value' },
  });
}
