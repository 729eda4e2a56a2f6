import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { conversionReportSchema } from '../../../core/model-package.ts';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { type Deployment, type DeployVersionInput, deploymentSchema, stepRunSchema } from '../contract.ts';

const pollMs = 500;
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
  call.show(
    deployment,
    () => `Version ${version} of ${model} answers at ${deployment.endpoint} (route ${routeVersion}).`,
  );
}

/** Has a version packaged, if it is not yet, before it gets traffic in another way than by `deploy`. */
export async function makeServable(call: CommandCall, model: string, version: number): Promise<void> {
  await untilDone(call, { model, version, reason: call.needed('reason'), packageOnly: true });
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
