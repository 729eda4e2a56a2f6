import { type Actor, authorize } from '../../../platform/access/index.ts';
import { pageToken, readPageToken } from '../../../platform/search/index.ts';
import type { Page } from '../../experiments/index.ts';
import { compareVersions } from '../compare/compare-versions.ts';
import { factsOf } from '../compare/facts.ts';
import type { VersionComparison } from '../contract/compare.ts';
import type { HistoryEntry, HistoryQuery } from '../contract/history.ts';
import { historyOf } from '../store/history.ts';
import { modelByName, oneVersion, type RegistryDeps, versionRow } from './context.ts';

/** Who changed what of a model and its versions, when and why; and what differs between two versions. */
export function historyOperations(deps: RegistryDeps) {
  const { db } = deps;

  return {
    /** The changes of a model and its versions, newest first. Throws `registered_model_unknown`. */
    async history(actor: Actor, name: string, query: HistoryQuery): Promise<Page<HistoryEntry>> {
      authorize(actor, 'read');
      const model = await modelByName(db.read, name);
      const { version, what, limit } = query;
      const afterId = query.after ? String(readPageToken(query.after, 1)[0]) : undefined;
      const entries = await historyOf(db.read, model.id, { version, what, afterId, limit: limit + 1 });
      const items = entries.slice(0, limit);
      const last = items.at(-1);
      return { items, next: last && entries.length > limit ? pageToken([last.id]) : null };
    },

    /** What differs between two versions of a model. Throws `registered_model_unknown`, `version_unknown`. */
    async compare(actor: Actor, name: string, from: number, to: number): Promise<VersionComparison> {
      authorize(actor, 'read');
      const model = await modelByName(db.read, name);
      const facts = async (number: number) => {
        const row = await versionRow(db.read, model, number);
        return factsOf(deps.experiments, actor, await oneVersion(db.read, model, row));
      };
      return compareVersions(await facts(from), await facts(to));
    },
  };
}
