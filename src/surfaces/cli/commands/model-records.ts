import { z } from 'zod';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import {
  aliasProtectionSchema,
  type HistoryEntry,
  historyEntrySchema,
  historySubjectSchema,
  type Lineage,
  lineageSchema,
  type VersionComparison,
  versionComparisonSchema,
} from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, count, more, none, short } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace models history <model>` */
export async function history(call: CommandCall): Promise<undefined> {
  const version = call.option('version');
  const query = {
    ...(version === undefined ? {} : { version: versionOf(version) }),
    what: kindOf(call.option('what')),
  };
  const path = `registered-models/${part(call.at(0))}/history`;
  const list = await call.api.list(path, historyEntrySchema, limitOf(call, 50), query);
  call.show(list, () =>
    list.items.length === 0
      ? 'Nothing is recorded.'
      : table(
          [
            { head: 'when', value: (entry) => ago(entry.at, call.nowMs) },
            { head: 'version', value: (entry) => entry.version ?? none, align: 'right' },
            { head: 'what', value: (entry) => [entry.what, entry.key].filter(Boolean).join(' ') },
            { head: 'change', value: changeText },
            { head: 'by', value: (entry) => entry.by },
            { head: 'why', value: (entry) => entry.reason },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

function kindOf(text: string | undefined): string | undefined {
  const kinds: readonly string[] = historySubjectSchema.options;
  if (text === undefined || kinds.includes(text)) return text;
  throw new UsageError(`"${text}" is no kind of change; those are ${kinds.join(', ')}`);
}

function changeText({ before, after }: HistoryEntry): string {
  const cut = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);
  if (before === null && after === null) return none;
  return `${before === null ? '∅' : cut(before)} → ${after === null ? '∅' : cut(after)}`;
}

/** `millrace models compare <model> <from> <to>` */
export async function compare(call: CommandCall): Promise<undefined> {
  const query = { from: versionOf(call.at(1)), to: versionOf(call.at(2)) };
  const path = `registered-models/${part(call.at(0))}/compare`;
  const found = await call.api.get(path, versionComparisonSchema, query);
  call.show(found, () => comparisonText(found, call.width));
}

interface Line {
  readonly part: string;
  readonly key: string;
  readonly from: string | number | null;
  readonly to: string | number | null;
  readonly note?: string;
}

function comparisonText(found: VersionComparison, width: number): string {
  const { from, to, params, metrics, tags, datasets, signature, environment, gates } = found;
  const better = ({ isBetter, direction, isDirectionGuessed }: (typeof metrics.differing)[number]) => {
    if (isBetter === null) return {};
    const guess = `, if ${direction === 'minimize' ? 'smaller' : 'greater'} is better (guessed from the name)`;
    return { note: `${isBetter ? 'better' : 'worse'}${isDirectionGuessed ? guess : ''}` };
  };
  const code =
    from.commit === to.commit ? [] : [{ part: 'code', key: 'commit', from: from.commit, to: to.commit }];
  const packages =
    from.digest === to.digest
      ? []
      : [{ part: 'package', key: 'digest', from: short(from.digest), to: short(to.digest) }];
  const lines: readonly Line[] = [
    ...metrics.differing.map((m) => ({ part: 'metric', ...m, ...better(m) })),
    ...params.differing.map((p) => ({ part: 'param', ...p })),
    ...tags.differing.map((t) => ({ part: 'tag', ...t })),
    ...datasets.differing.map(({ name, context, ...d }) => {
      return { part: 'data', key: context === '' ? name : `${name} (${context})`, ...d };
    }),
    ...signature.differing.map(({ side, name, ...c }) => ({ part: side, key: name, ...c })),
    ...environment.differing.map(({ file, name, ...e }) => ({ part: 'environment', key: name, ...e })),
    ...gates.differing.map((g) => {
      return { part: 'gate', key: g.name, from: g.from?.verdict ?? null, to: g.to?.verdict ?? null };
    }),
    ...code,
    ...packages,
  ];
  const parts = [metrics, params, tags, datasets, signature, environment, gates];
  const same = parts.reduce((sum, { sameCount }) => sum + sameCount, 0);
  const text = (value: string | number | null): string => (value === null ? none : String(value));
  const shown =
    lines.length === 0
      ? `Versions ${from.version} and ${to.version} differ in nothing that is recorded.`
      : table(
          [
            { head: '', value: (line) => line.part },
            { head: '', value: (line) => line.key },
            { head: `version ${from.version}`, value: (line) => text(line.from) },
            { head: `version ${to.version}`, value: (line) => text(line.to) },
            { head: '', value: (line) => line.note ?? '' },
          ],
          lines,
          width,
        );
  return [shown, `${count(same, 'fact')} the same.`, ...found.notes].join('\n');
}

/** `millrace models lineage [model] [version]`, or `--dataset` */
export async function lineage(call: CommandCall): Promise<undefined> {
  const dataset = call.option('dataset');
  if ((dataset === undefined) === (call.at(1) === '')) {
    throw new UsageError('name a model and its version, or --dataset');
  }
  const found =
    dataset === undefined
      ? await call.api.get(
          `registered-models/${part(call.at(0))}/versions/${versionOf(call.at(1))}/lineage`,
          lineageSchema,
        )
      : await call.api.get('lineage', lineageSchema, { dataset });
  call.show(found, () => lineageText(found, call.width));
}

function lineageText({ nodes, edges, subject, isCut }: Lineage, width: number): string {
  const named = (id: string): string => {
    const node = nodes.find((other) => other.id === id);
    return node ? `${node.kind} ${node.title}` : id;
  };
  if (edges.length === 0) return `Nothing is recorded of where ${named(subject)} came from or went.`;
  const shown = table(
    [
      { head: 'from', value: (edge) => named(edge.from) },
      { head: 'to', value: (edge) => named(edge.to) },
      { head: 'how', value: (edge) => edge.label },
    ],
    edges,
    width,
  );
  return isCut ? `${shown}\nThere is more than is shown.` : shown;
}

/** `millrace models protect [pattern]`; without a pattern it lists what is protected. */
export async function protect(call: CommandCall): Promise<undefined> {
  const model = call.option('model');
  const pattern = call.at(0);
  if (pattern === '') return protections(call, model);
  const reason = call.option('reason');
  if (!reason?.trim()) throw new UsageError('--reason is missing: why, for the audit trail');
  const body = { pattern, reason, ...(model === undefined ? {} : { model }) };
  const rule = await call.api.post('alias-protections', body, aliasProtectionSchema);
  call.show(
    rule,
    () => `Aliases ${rule.pattern} of ${rule.model ?? 'every model'} are protected (${rule.id}).`,
  );
}

async function protections(call: CommandCall, model: string | undefined): Promise<undefined> {
  const schema = z.object({ items: z.array(aliasProtectionSchema) });
  const list = await call.api.get('alias-protections', schema, { model });
  call.show(list, () =>
    table(
      [
        { head: 'aliases', value: (rule) => rule.pattern },
        { head: 'model', value: (rule) => rule.model ?? 'every model' },
        { head: 'id', value: (rule) => rule.id },
        { head: 'by', value: (rule) => rule.by },
        { head: 'why', value: (rule) => rule.reason },
      ],
      list.items,
      call.width,
    ),
  );
}

/** `millrace models unprotect <id> --reason` */
export async function unprotect(call: CommandCall): Promise<undefined> {
  const query = new URLSearchParams({ reason: call.needed('reason') });
  const path = `/api/v1/alias-protections/${part(call.at(0))}?${query}`;
  await call.api.client.call(path, { method: 'DELETE', schema: z.undefined() });
  call.show({}, () => 'The protection is taken away.');
}

function versionOf(text: string): number {
  const version = Number(text);
  if (!Number.isInteger(version) || version < 1)
    throw new UsageError(`"${text}" is not the number of a version`);
  return version;
}
