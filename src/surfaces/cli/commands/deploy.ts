import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { conversionReportSchema } from '../../../core/model-package.ts';
import { formatDuration } from '../../../core/time.ts';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import {
  type Deployment,
  type DeployVersionInput,
  deploymentSchema,
  replicaSchema,
  stepRunSchema,
} from '../contract.ts';

const pollMs = 500;
/** How often is told of what still loads. */
const tellEveryMs = 30_000;
/** A replica that neither loads nor takes the route for so long is not waited for; it reports every 5 s. */
const silenceMs = 30_000;
/** As long as a load may take, as control has it. */
const loadLimitMs = 15 * 60_000;
const replicasSchema = z.object({ items: z.array(replicaSchema) });
/** What of a packaging is told: what runs the model, and how far its ONNX form is from it. */
const packagedSchema = z.object({
  runtime: z.string(),
  conversion: conversionReportSchema.nullable(),
});

/** `millrace deploy <model> <version> [--endpoint name] [--runtime kind] --reason` */
export async function deploy(call: CommandCall): Promise<undefined> {
  const version = Number(call.at(1));
  if (!Number.isInteger(version) || version < 1) {
    throw new UsageError(`"${call.at(1)}" is not the number of a version`);
  }
  const endpoint = call.option('endpoint');
  const runtime = call.option('runtime');
  const deployment = await untilDone(call, {
    model: call.at(0),
    version,
    reason: call.needed('reason'),
    ...(endpoint ? { endpoint } : {}),
    ...(runtime ? { runtime } : {}),
  });
  const { model, routeVersion } = deployment;
  if (deployment.state === 'loading') await loaded(call, deployment);
  call.show(
    { ...deployment, state: 'deployed', loading: [] },
    () => `Version ${version} of ${model} answers at ${deployment.endpoint} (route ${routeVersion}).`,
  );
}

/** Has a version packaged, if it is not yet, before it predicts in another way than by `deploy`. */
export async function makeServable(
  call: CommandCall,
  model: string,
  version: number,
  reason = call.needed('reason'),
): Promise<void> {
  await untilDone(call, { model, version, reason, packageOnly: true });
}

/** Asks for a deployment until there is no more to do; tells how a packaging went. */
async function untilDone(
  call: CommandCall,
  body: Omit<DeployVersionInput, 'runtime'> & { readonly runtime?: string },
): Promise<Deployment> {
  for (;;) {
    const deployment = await call.api.post('deployments', body, deploymentSchema);
    if (deployment.state !== 'packaging') return deployment;
    const id = deployment.stepRunId ?? '';
    call.note(`Packaging; "millrace logs ${id} --follow" shows what it does.`);
    await packaged(call, id);
  }
}

/**
 * Waits until no connected replica is behind a route that is set, and tells of those that load. The deployment is not
 * asked for again meanwhile: somebody may have set another route since. Throws `replicas_behind`.
 */
async function loaded(call: CommandCall, { endpoint, routeVersion, loading }: Deployment): Promise<void> {
  const route = routeVersion ?? 0;
  call.note(`Route ${route} of ${endpoint} is set; ${loading.join(', ')} still loads the model.`);
  const beganMs = performance.now();
  let aliveMs = beganMs;
  let toldMs = beganMs;
  for (;;) {
    const { items } = await call.api.get('replicas', replicasSchema);
    const of = ({ endpoints }: (typeof items)[number]) => endpoints.find((e) => e.endpoint === endpoint);
    const late = items.filter((replica) => replica.connected && (of(replica)?.routeVersion ?? 0) < route);
    if (late.length === 0 && items.some(({ connected }) => connected)) return;
    const nowMs = performance.now();
    const behind = (replicas: string, problem: string) =>
      fail('replicas_behind', { endpoint, routeVersion: route, replicas, problem });
    for (const replica of late) {
      const error = replica.routesVersion >= route ? of(replica)?.error : undefined;
      if (error) throw behind(replica.id, error);
    }
    const ids = late.map(({ id }) => id).join(', ') || 'any replica';
    if (late.some(({ models }) => models.some(({ state }) => state === 'loading'))) aliveMs = nowMs;
    if (nowMs - aliveMs > silenceMs)
      throw behind(ids, late.length > 0 ? 'it did not answer in time' : 'all are away');
    const waitedMs = nowMs - beganMs;
    if (waitedMs > loadLimitMs)
      throw behind(ids, `still loading the model after ${formatDuration(waitedMs)}`);
    if (nowMs - toldMs >= tellEveryMs) {
      toldMs = nowMs;
      call.note(`${ids}: still loading the model, for ${formatDuration(waitedMs)}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function conversionText({ runtime, conversion }: z.infer<typeof packagedSchema>): string {
  if (conversion === null) return `Packaged to run as ${runtime}.`;
  const { used, rows, maxAbsDifference, holdout, problem } = conversion;
  if (!used) return `Packaged to run as ${runtime}: ${problem}.`;
  const apart = (difference: number | null) => difference?.toPrecision(2) ?? 'unknown';
  const held = holdout ? `, ${apart(holdout.maxAbsDifference)} on ${holdout.rows} that were held out` : '';
  return `Packaged to run as ${runtime}, at most ${apart(maxAbsDifference)} from the Python model on ${rows} rows${held}.`;
}

/** Waits for a packaging to end. Throws what made it fail. */
async function packaged(call: CommandCall, stepRunId: string): Promise<void> {
  for (;;) {
    const step = await call.api.get(`step-runs/${part(stepRunId)}`, stepRunSchema);
    if (step.status === 'succeeded') {
      const outputs = packagedSchema.safeParse(step.outputs).data;
      if (outputs) call.note(conversionText(outputs));
      return;
    }
    if (step.status === 'failed' || step.status === 'cancelled') {
      const problem = step.error?.message ?? step.status;
      throw fail('deployment_unpackaged', { stepRunId, problem });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
