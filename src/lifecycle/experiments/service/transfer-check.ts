import { createHash } from 'node:crypto';
import type { Database } from '../../../platform/db/index.ts';
import {
  type CheckSide,
  type ExperimentCheck,
  type ItemFacts,
  type ItemKind,
  itemFactsSchema,
} from '../contract/transfer.ts';
import type { ExperimentRecord } from '../records.ts';
import { type ItemRow, itemsOf } from '../store/transfer.ts';
import { modelRowsById, runRowsById } from '../store/transfer-rows.ts';
import { factsOfModels, factsOfRuns } from '../transfer-read.ts';

const pageSize = 200;
const shownDifferences = 100;

/** Source and target of what an import brought into an experiment, with what differs. */
export async function checkImported(
  db: Database,
  importId: string,
  experiment: ExperimentRecord,
): Promise<ExperimentCheck> {
  const source = new Side();
  const target = new Side();
  const differences: { kind: ItemKind; id: string; what: string[] }[] = [];
  for (const kind of ['run', 'logged-model'] as const) {
    for (let after = ''; ; ) {
      const of = { importId, experimentId: Number(experiment.id), kind };
      const items = await itemsOf(db.read, of, after, pageSize);
      const facts = await factsOf(db, kind, items);
      for (const item of items) {
        const theirs = item.complete === 1 ? itemFactsSchema.parse(JSON.parse(item.source_facts)) : undefined;
        const ours = facts.get(item.id);
        source.add(kind, item.id, theirs);
        target.add(kind, item.id, ours);
        const what = theirs && ours ? unequal(theirs, ours) : [theirs ? 'missing here' : 'not complete'];
        if (what.length > 0 && differences.length < shownDifferences) {
          differences.push({ kind, id: item.id, what });
        }
      }
      const last = items.at(-1);
      if (!last || items.length < pageSize) break;
      after = last.id;
    }
  }
  const { id: experimentId, name } = experiment;
  return { experimentId, name, source: source.sum(), target: target.sum(), differences };
}

async function factsOf(
  db: Database,
  kind: ItemKind,
  items: readonly ItemRow[],
): Promise<ReadonlyMap<string, ItemFacts>> {
  const ids = items.map((item) => item.id);
  return kind === 'run'
    ? factsOfRuns(db, await runRowsById(db.read, ids))
    : factsOfModels(db.read, await modelRowsById(db.read, ids));
}

function unequal(theirs: ItemFacts, ours: ItemFacts): string[] {
  const parts = ['record', 'metrics', 'artifacts'] as const;
  return parts
    .filter((part) => theirs[part] !== ours[part])
    .map((part) => {
      if (part === 'metrics') return `metrics (${theirs.points} points there, ${ours.points} here)`;
      if (part === 'artifacts') return `artifacts (${theirs.files} files there, ${ours.files} here)`;
      return part;
    });
}

/** Sums the facts of items that come in the same order for both sides. */
class Side {
  readonly #hash = createHash('sha256');
  #counts = { runs: 0, models: 0, params: 0, tags: 0, inputs: 0, points: 0, files: 0, sizeBytes: 0 };

  add(kind: ItemKind, id: string, facts: ItemFacts | undefined): void {
    if (!facts) return;
    const { record, metrics, artifacts, params, tags, inputs, points, files, sizeBytes } = facts;
    this.#hash.update(`${kind} ${id} ${record} ${metrics} ${artifacts}\n`);
    const sums = this.#counts;
    this.#counts = {
      runs: sums.runs + (kind === 'run' ? 1 : 0),
      models: sums.models + (kind === 'run' ? 0 : 1),
      params: sums.params + params,
      tags: sums.tags + tags,
      inputs: sums.inputs + inputs,
      points: sums.points + points,
      files: sums.files + files,
      sizeBytes: sums.sizeBytes + sizeBytes,
    };
  }

  sum(): CheckSide {
    return { ...this.#counts, digest: `sha256:${this.#hash.digest('hex')}` };
  }
}
