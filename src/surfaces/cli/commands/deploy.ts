import { fail } from '../../../core/errors.ts';
import { part } from '../Api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { deploymentSchema, stepRunSchema } from '../contract.ts';

const pollMs = 500;

/** `millrace deploy <model> <version> [--endpoint name] [--runtime kind] --reason` */
export async function deploy(call: CommandCall): Promise<undefined> {
  const version = Number(call.at(1));
  if (!Number.isInteger(version) || version < 1) {
    throw new UsageError(`"${call.at(1)}" is not the number of a version`);
  }
  const endpoint = call.option('endpoint');
  const runtime = call.option('runtime');
  const body = {
    model: call.at(0),
    version,
    reason: call.needed('reason'),
    ...(endpoint ? { endpoint } : {}),
    ...(runtime ? { runtime } : {}),
  };
  for (;;) {
    const deployment = await call.api.post('deployments', body, deploymentSchema);
    if (deployment.state === 'deployed') {
      const { model, routeVersion } = deployment;
      call.show(
        deployment,
        () => `Version ${version} of ${model} answers at ${deployment.endpoint} (route ${routeVersion}).`,
      );
      return undefined;
    }
    await packaged(call, deployment.stepRunId ?? '');
  }
}

/** Waits for a packaging to end. Throws what made it fail. */
async function packaged(call: CommandCall, stepRunId: string): Promise<void> {
  for (;;) {
    const step = await call.api.get(`step-runs/${part(stepRunId)}`, stepRunSchema);
    if (step.status === 'succeeded') return;
    if (step.status === 'failed' || step.status === 'cancelled') {
      const problem = step.error?.message ?? step.status;
      throw fail('deployment_unpackaged', { stepRunId, problem });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
