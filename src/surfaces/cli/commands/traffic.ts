import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { type Endpoint, endpointSchema, overrideTokenSchema } from '../contract.ts';
import { percent } from '../format/text.ts';
import { makeServable } from './deploy.ts';

/** `millrace endpoint split <endpoint> --arm name=version:percent` */
export async function split(call: CommandCall): Promise<undefined> {
  const endpoint = call.at(0);
  const arms = [];
  for (const text of call.all('arm')) {
    const match = /^([a-z][a-z0-9-]*)=(\d+):(\d+(?:\.\d+)?)$/.exec(text);
    if (!match) throw new UsageError(`"${text}" is not name=version:percent, e.g. b=2:30`);
    const [, arm, version = '', share] = match;
    arms.push({ arm, ...(await packaged(call, endpoint, version)), weight: Number(share) / 100 });
  }
  return change(call, 'split', { arms });
}

/** `millrace endpoint standby <endpoint> <version>` */
export async function standby(call: CommandCall): Promise<undefined> {
  return change(call, 'standby', await packaged(call, call.at(0), call.at(1)));
}

/** `millrace endpoint switch <endpoint>` */
export async function switchOver(call: CommandCall): Promise<undefined> {
  return change(call, 'switch', {});
}

/** `millrace endpoint promote-to <from> <to>` */
export async function promoteTo(call: CommandCall): Promise<undefined> {
  const share = Number(call.option('percent') ?? 1);
  if (!(share >= 0 && share <= 100)) throw new UsageError('--percent must be between 0 and 100');
  const as = call.has('champion') ? 'champion' : 'challenger';
  return change(call, 'promote-to', { endpoint: call.at(1), as, weight: share / 100 });
}

/** `millrace endpoint token <endpoint> <arm>` */
export async function token(call: CommandCall): Promise<undefined> {
  const path = `endpoints/${part(call.at(0))}/override-tokens`;
  const body = { arm: call.at(1), reason: call.needed('reason') };
  const answer = await call.api.post(path, body, overrideTokenSchema);
  call.show(answer, () => `${answer.header}: ${answer.token}\nIt is good until ${answer.expiresAt}.`);
  return undefined;
}

async function change(call: CommandCall, verb: string, body: Readonly<Record<string, unknown>>) {
  const path = `endpoints/${part(call.at(0))}/${verb}`;
  const changed = await call.api.post(path, { ...body, reason: call.needed('reason') }, endpointSchema);
  call.show(changed, () => trafficText(changed));
  return undefined;
}

function trafficText({ name, arms, routeVersion }: Endpoint): string {
  const text = arms.map((arm) => `${arm.arm} ${arm.modelVersion} ${percent(arm.weight)}`).join(', ');
  return `${name} (route ${routeVersion}): ${text || 'no model deployed'}`;
}

/** A registered version of the endpoint's model, whose package is made if it is not there yet. */
async function packaged(call: CommandCall, endpoint: string, version: string) {
  const { model } = await call.api.get(`endpoints/${part(endpoint)}`, endpointSchema);
  await makeServable(call, model, Number(version));
  return { modelVersion: version };
}
