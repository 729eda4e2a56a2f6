import { fail } from '../../../core/errors.ts';
import { part } from '../api.ts';
import { type Command, type CommandCall, UsageError } from '../command.ts';
import { type EndpointRollout, endpointRolloutSchema, endpointSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more, none, percent } from '../format/text.ts';
import { readLocalObject } from '../local-file.ts';
import { makeServable } from './deploy.ts';
import { limitOf } from './limit-of.ts';
import { lookLines } from './look-lines.ts';

/** `millrace rollouts <endpoint>` */
export async function rollouts(call: CommandCall): Promise<undefined> {
  const endpoint = call.at(0);
  const list = await call.api.list(pathOf(endpoint), endpointRolloutSchema, limitOf(call, 20));
  call.show(list, () =>
    list.items.length === 0
      ? `No rollout of ${endpoint} yet: millrace rollout start ${endpoint} <version> --reason <text>`
      : table(
          [
            { head: 'rollout', value: (rollout) => rollout.id },
            { head: 'what', value: what },
            { head: 'state', value: (rollout) => rollout.state },
            { head: 'step', value: step },
            { head: 'begun', value: (rollout) => ago(rollout.createdAt, call.nowMs) },
            { head: 'why', value: (rollout) => rollout.reason },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** Throws `UsageError`: what is no number would reach the API as null, and be named so. */
function numberIn(text: string, where: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new UsageError(`"${text}" is not a number (${where})`);
  return number;
}

/** `millrace rollout start <endpoint> [version] [--plan file]` */
export async function startRollout(call: CommandCall): Promise<undefined> {
  const file = call.option('plan');
  const read = file === undefined ? {} : await readLocalObject(file, 'a plan');
  const steps = call
    .option('steps')
    ?.split(',')
    .map((step) => numberIn(step, '--steps, percent with commas between'));
  const metric = call.option('metric');
  const plan = {
    kind: 'canary',
    ...read,
    ...(call.at(1) === '' ? {} : { version: numberIn(call.at(1), '<version>') }),
    ...(steps ? { steps } : {}),
    ...(metric === undefined ? {} : { metric }),
  };
  const body = { plan, again: call.has('again'), reason: call.needed('reason') };
  const { model } = await call.api.get(`endpoints/${part(call.at(0))}`, endpointSchema);
  for (const version of versionsOf(plan)) await makeServable(call, model, version);
  const begun = await call.api.post(pathOf(call.at(0)), body, endpointRolloutSchema);
  call.show(begun, () =>
    [
      `Rollout ${begun.id} of ${begun.endpoint} has begun: ${what(begun)}, ${step(begun)}.`,
      ...begun.earlier.map(earlierLine),
    ].join('\n'),
  );
}

/** The versions that a plan names; what is not one the server will tell. */
function versionsOf(plan: { readonly version?: unknown; readonly arms?: unknown }): readonly number[] {
  const arms = Array.isArray(plan.arms) ? (plan.arms as readonly { readonly version?: unknown }[]) : [];
  const named = [plan.version, ...arms.map((arm) => arm?.version)];
  return named.filter((version): version is number => Number.isInteger(version) && Number(version) > 0);
}

/** `millrace rollout show <endpoint>` */
export async function showRollout(call: CommandCall): Promise<undefined> {
  const rollout = await rolloutNamed(call);
  call.show(rollout, () => describe(rollout, call));
}

/** `millrace rollout advance|pause|resume|abort|promote|rollback <endpoint> --reason` */
export function decideRollout(action: string): Command {
  return async (call) => {
    const { id } = await rolloutNamed(call);
    const arm = call.option('arm');
    const to = call.option('to');
    const body = {
      reason: call.needed('reason'),
      ...(arm === undefined ? {} : { arm }),
      ...(to === undefined ? {} : { percent: numberIn(to, '--to, percent of the next step') }),
    };
    const path = `${pathOf(call.at(0))}/${part(id)}/${action}`;
    const now = await call.api.post(path, body, endpointRolloutSchema);
    call.show(now, () => `Rollout ${now.id} is ${now.state}, ${step(now)}.`);
    return undefined;
  };
}

/** The rollout that is meant: the one named by --id, else the newest of the endpoint. Throws `not_found`. */
export async function rolloutNamed(call: CommandCall): Promise<EndpointRollout> {
  const id = call.option('id');
  const path = pathOf(call.at(0));
  if (id !== undefined) return call.api.get(`${path}/${part(id)}`, endpointRolloutSchema);
  const { items } = await call.api.list(path, endpointRolloutSchema, 1);
  const [newest] = items;
  if (!newest) throw fail('not_found', { kind: 'rollout', id: call.at(0), list: `/api/v1/${path}` });
  return newest;
}

function describe(rollout: EndpointRollout, call: CommandCall): string {
  const { look } = rollout;
  const lines = [
    `${what(rollout)} on ${rollout.endpoint}: ${rollout.state}, ${step(rollout)}`,
    rollout.reason,
    ...rollout.earlier.map(earlierLine),
    ...(rollout.coolUntil === null
      ? []
      : [
          `cools down until ${rollout.coolUntil} (event time); before that it begins again only with --again`,
        ]),
  ];
  if (look) {
    lines.push(
      '',
      table(
        [
          { head: 'arm', value: (arm) => `${arm.arm} ${arm.version}` },
          { head: 'requests', value: (arm) => String(arm.requests), align: 'right' },
          { head: 'failed', value: (arm) => String(arm.failed), align: 'right' },
          { head: 'labelled', value: (arm) => String(arm.labelled), align: 'right' },
          { head: 'p99 ms', value: (arm) => arm.latencyP99Ms?.toFixed(1) ?? none, align: 'right' },
          { head: String(rollout.plan.metric), value: (arm) => arm.mean?.toFixed(4) ?? none, align: 'right' },
        ],
        look.arms,
        call.width,
      ),
    );
    lines.push(...lookLines(look));
  }
  for (const arm of rollout.bandit?.arms ?? []) {
    lines.push(
      `${arm.arm}: ${arm.rewards} rewards, mean ${arm.mean?.toFixed(4) ?? none}, share ${percent(arm.share)}`,
    );
  }
  lines.push('', ...rollout.decisions.map((d) => `${d.at} ${d.actor} ${d.action}: ${d.reason}`));
  return lines.join('\n');
}

function earlierLine({ version, state, rollout, reason }: EndpointRollout['earlier'][number]): string {
  return `Beware: version ${version} was ${state} here before (rollout ${rollout}): ${reason}`;
}

/** What is rolled out: `canary of version 2`, `split`. */
export function what({ plan }: EndpointRollout): string {
  return plan.kind === 'canary' ? `canary of version ${String(plan.version)}` : String(plan.kind);
}

/** Where it is; of one that has ended, where it came to. */
export function step({ step: { stage, percent: share }, endedAt }: EndpointRollout): string {
  const place = stage === 'shadow' ? 'in shadow' : `at ${Number(share.toFixed(2))} %`;
  return endedAt === null ? place : `last ${place}`;
}

function pathOf(endpoint: string): string {
  return `endpoints/${part(endpoint)}/rollouts`;
}
