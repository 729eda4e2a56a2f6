/** A change of the registry as a sentence. Pure. */
import type { HistoryEntry } from '../../../../src/lifecycle/registry/contract/history.ts';
import { shortId } from '../../kit/format.ts';

const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

/** What was changed, from what to what. */
export function historySentence(
  entry: Pick<HistoryEntry, 'what' | 'key' | 'before' | 'after' | 'version'>,
): string {
  const { what, key, before, after } = entry;
  switch (what) {
    case 'created':
      return entry.version === null ? 'model registered' : 'version registered';
    case 'deleted':
      return entry.version === null ? 'model deleted' : 'version deleted';
    case 'renamed':
      return `renamed from ${before} to ${after}`;
    case 'description':
      return after ? `description: ${cut(after)}` : 'description taken away';
    case 'tag':
      return after === null ? `tag ${key} taken away` : `tag ${key}: ${cut(after)}`;
    case 'alias':
      if (after === null) return `no longer ${key}`;
      return before === null ? `${key} set to v${after}` : `${key} moved from v${before} to v${after}`;
    case 'stage':
      return `stage ${before ?? 'none'} to ${after ?? 'none'}`;
    case 'package':
      return after ? `packaged as ${shortId(after)}` : 'package taken away';
    case 'protection':
      return after === null ? `${key} no longer protected` : `${key} protected`;
    default:
      return `${what}${after ? `: ${cut(after)}` : ''}`;
  }
}
