import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import {
  CHALLENGER,
  CHAMPION,
  type ModelVersion,
  modelVersionSchema,
  registeredModelSchema,
} from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more, none, short } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace models [model]` */
export async function models(call: CommandCall): Promise<undefined> {
  const name = call.at(0);
  const limit = limitOf(call, 50);
  if (name !== '') return versions(call, name, limit);
  const list = await call.api.list('registered-models', registeredModelSchema, limit);
  call.show(list, () =>
    list.items.length === 0
      ? 'No model is registered yet.'
      : table(
          [
            { head: 'model', value: (model) => model.name },
            { head: 'champion', value: (model) => model.aliases[CHAMPION] ?? none, align: 'right' },
            { head: 'challenger', value: (model) => model.aliases[CHALLENGER] ?? none, align: 'right' },
            { head: 'before', value: (model) => model.previousChampion ?? none, align: 'right' },
            { head: 'newest', value: (model) => model.latestVersion ?? none, align: 'right' },
            { head: 'changed', value: (model) => ago(model.updatedAt, call.nowMs) },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

async function versions(call: CommandCall, name: string, limit: number): Promise<undefined> {
  const list = await call.api.list(`registered-models/${part(name)}/versions`, modelVersionSchema, limit);
  call.show(list, () =>
    list.items.length === 0
      ? `${name} has no version yet.`
      : table(
          [
            { head: 'version', value: (version) => version.version, align: 'right' },
            { head: 'aliases', value: (version) => version.aliases.join(', ') || none },
            { head: 'gates', value: gatesText },
            { head: 'decision', value: (version) => version.approvals.at(-1)?.decision ?? none },
            { head: 'package', value: (version) => short(version.digest) },
            { head: 'run', value: (version) => short(version.sourceRunId) },
            { head: 'registered', value: (version) => ago(version.createdAt, call.nowMs) },
            { head: 'by', value: (version) => version.createdBy },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

function gatesText({ gates }: ModelVersion): string {
  const of = (verdict: string): number => gates.filter((gate) => gate.verdict === verdict).length;
  const parts = ['pass', 'unsure', 'fail'].flatMap((verdict) =>
    of(verdict) > 0 ? [`${of(verdict)} ${verdict}`] : [],
  );
  return parts.join(', ') || none;
}

/** `millrace promote <model> <version> --reason` */
export async function promote(call: CommandCall): Promise<undefined> {
  const version = Number(call.at(1));
  if (!Number.isInteger(version) || version < 1) {
    throw new UsageError(`"${call.at(1)}" is not the number of a version`);
  }
  const body = { version, reason: call.needed('reason') };
  const path = `registered-models/${part(call.at(0))}/promote`;
  const champion = await call.api.post(path, body, modelVersionSchema);
  call.show(champion, () => `Version ${champion.version} of ${champion.name} is the champion.`);
}

/** `millrace rollback <model> --reason` */
export async function rollback(call: CommandCall): Promise<undefined> {
  const path = `registered-models/${part(call.at(0))}/rollback`;
  const champion = await call.api.post(path, { reason: call.needed('reason') }, modelVersionSchema);
  call.show(champion, () => `Version ${champion.version} of ${champion.name} is the champion again.`);
}
