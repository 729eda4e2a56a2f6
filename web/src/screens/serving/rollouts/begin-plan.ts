import { post } from '../../../api/client.ts';
import { makeServable } from '../../../api/make-servable.ts';
import { isJudged, type PlanDraft, planOf, versionsOf } from './plan-draft.ts';

const part = encodeURIComponent;

type Begun = {
  readonly endpoint: string;
  readonly model: string;
  readonly draft: PlanDraft;
  readonly reason: string;
  /** Although one of its versions was aborted or rolled back here and still cools down. */
  readonly again: boolean;
  /** Aborts while versions are being packaged; what has begun by then is not undone. */
  readonly signal: AbortSignal;
  /** Told what is being waited for. */
  readonly tell: (text: string) => void;
};

/** Packages the versions that the draft names where they are not, then begins what it says. */
export async function beginPlan(begun: Begun): Promise<void> {
  const { endpoint, model, draft, reason, again, tell, signal } = begun;
  for (const version of versionsOf(draft)) {
    const wanted = { model, version: Number(version), endpoint, reason, packageOnly: true };
    await makeServable(wanted, signal, tell);
  }
  signal.throwIfAborted();
  tell('Giving it its place');
  const own = `/endpoints/${part(endpoint)}`;
  if (isJudged(draft.kind)) {
    await post(`${own}/rollouts`, { plan: planOf(draft), again, reason });
    return;
  }
  const [version = ''] = versionsOf(draft);
  const place = { modelVersion: version };
  if (draft.kind === 'shadow') await post(`${own}/shadow`, { shadow: place, reason });
  else await post(`${own}/standby`, { ...place, reason });
}
