import type { StepRun } from '../../../../../src/lifecycle/pipelines/contract.ts';
import type { ModelVersion } from '../../../../../src/lifecycle/registry/contract.ts';
import type { Deployment } from '../../../../../src/loop/contract.ts';
import { get, post } from '../../../api/client.ts';
import { ProblemError } from '../../../api/problem.ts';
import { isJudged, type PlanDraft, planOf, versionsOf } from './plan-draft.ts';

const POLL_MS = 700;
const part = encodeURIComponent;

type Begun = {
  readonly endpoint: string;
  readonly model: string;
  readonly draft: PlanDraft;
  readonly reason: string;
  /** Aborts while versions are being packaged; what has begun by then is not undone. */
  readonly signal: AbortSignal;
  /** Told what is being waited for. */
  readonly tell: (text: string) => void;
};

/** Packages the versions that the draft names where they are not, then begins what it says. */
export async function beginPlan(begun: Begun): Promise<void> {
  const { endpoint, model, draft, reason, tell, signal } = begun;
  for (const version of versionsOf(draft)) await makeServable(begun, Number(version));
  signal.throwIfAborted();
  tell('Giving it its place');
  const own = `/endpoints/${part(endpoint)}`;
  if (isJudged(draft.kind)) {
    await post(`${own}/rollouts`, { plan: planOf(draft), reason });
    return;
  }
  const [version = ''] = versionsOf(draft);
  const registered = await get<ModelVersion>(`/registered-models/${part(model)}/versions/${part(version)}`);
  const place = { modelVersion: version, packageDigest: registered.digest };
  if (draft.kind === 'shadow') await post(`${own}/shadow`, { shadow: place, reason });
  else await post(`${own}/standby`, { ...place, reason });
}

/** Has a version packaged if it is not yet. Throws a problem with the step's own words when that fails. */
async function makeServable(
  { model, endpoint, reason, signal, tell }: Begun,
  version: number,
): Promise<void> {
  const wanted = { model, version, endpoint, reason, packageOnly: true };
  for (;;) {
    signal.throwIfAborted();
    const deployment = await post<Deployment>('/deployments', wanted);
    if (deployment.state !== 'packaging') return;
    tell(`Packaging v${version}: converting and comparing it`);
    await packaged(deployment.stepRunId ?? '', version, signal);
  }
}

async function packaged(stepRunId: string, version: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const step = await get<StepRun>(`/step-runs/${part(stepRunId)}`, {}, signal);
    if (step.status === 'succeeded') return;
    if (step.status === 'failed' || step.status === 'cancelled') {
      throw new ProblemError({
        ...{ status: 0, code: step.error?.code ?? 'step_cancelled', issues: [], place: null },
        title: `v${version} could not be packaged`,
        detail: step.error?.message ?? 'The step was stopped.',
        next: step.error?.next ?? null,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
  }
}
