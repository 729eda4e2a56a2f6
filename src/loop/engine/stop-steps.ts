import { systemActor } from '../../platform/access/index.ts';
import { turnSteps } from '../store/turns.ts';
import type { EngineDeps } from './loop-engine.ts';

const stepEndMs = 30_000;

/** Stops a turn's steps and waits until none can change the traffic any more. */
export async function stopSteps(
  { db, pipelines }: Pick<EngineDeps, 'db' | 'pipelines'>,
  turnId: string,
  reason: string,
): Promise<void> {
  const steps = await turnSteps(db.read, turnId);
  await db.write(async (tx) => {
    for (const step of steps) await pipelines.cancelIn(tx, step.step_run_id, reason);
  });
  const last = steps.at(-1);
  if (!last?.role.startsWith('deploy/')) return;
  const deadlineMs = performance.now() + stepEndMs;
  while (performance.now() < deadlineMs) {
    const { status } = await pipelines.get(systemActor, last.step_run_id);
    if (status !== 'running' && status !== 'queued') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
