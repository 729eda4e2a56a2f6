import type { StepRun } from '../../../src/lifecycle/pipelines/contract.ts';
import type { Deployment, DeployVersionInput } from '../../../src/loop/contract.ts';
import { get, post } from './client.ts';
import { ProblemError } from './problem.ts';

const POLL_MS = 700;

/**
 * Asks for a deployment (or with `packageOnly` for the packaging alone) until there is no more to do. Throws a problem
 * with the step's own words when the packaging fails, and the signal's reason when it is aborted.
 *
 * @param tell told what is being waited for
 */
export async function makeServable(
  wanted: DeployVersionInput,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<Deployment> {
  for (;;) {
    signal.throwIfAborted();
    const deployment = await post<Deployment>('/deployments', wanted);
    if (deployment.state !== 'packaging') return deployment;
    tell(`Packaging v${wanted.version}: converting and comparing it`);
    await packaged(deployment.stepRunId ?? '', wanted.version, signal);
  }
}

async function packaged(stepRunId: string, version: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const step = await get<StepRun>(`/step-runs/${encodeURIComponent(stepRunId)}`, {}, signal);
    if (step.status === 'succeeded') return;
    if (step.status === 'failed' || step.status === 'cancelled') {
      throw new ProblemError({
        status: 0,
        code: step.error?.code ?? 'step_cancelled',
        issues: [],
        place: null,
        title: `v${version} could not be packaged`,
        detail: step.error?.message ?? 'The step was stopped.',
        next: step.error?.next ?? null,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
  }
}
