import type { ColumnDrift, MonitorReference, MonitorSpec, MonitorWindow } from '../contract.ts';
import type { WindowValues } from '../read-window.ts';
import { columnValues } from './column-values.ts';
import { type ColumnComparison, compareColumn } from './compare-column.ts';
import { judgeColumns } from './judge-columns.ts';
import type { ReferenceColumn, ReferenceColumns } from './references.ts';

/** What a window's values are compared with. */
export interface DriftReference {
  readonly reference: MonitorReference | undefined;
  readonly columns: ReferenceColumns | undefined;
  readonly scores: (ReferenceColumn & { readonly from: 'reference' | 'first-week' }) | undefined;
}

/** Compares every feature that both sides have, and the score, and judges them together (see judgeColumns). */
export function measureDrift(
  values: WindowValues,
  { reference, columns, scores }: DriftReference,
  spec: MonitorSpec['drift'],
  partialReason: string | undefined,
): { readonly drift: readonly ColumnDrift[]; readonly reference: MonitorWindow['reference'] } {
  const comparisons: ColumnComparison[] = [];
  if (scores) {
    const current = columnValues(values.scores, 'numeric');
    comparisons.push(compareColumn('score', 'score', scores, current, spec));
  }
  for (const [name, current] of values.features) {
    const column = columns?.columns.get(name);
    if (!column) continue;
    comparisons.push(compareColumn(name, 'feature', column, columnValues(current, column.kind), spec));
  }
  return {
    drift: judgeColumns(comparisons, spec, partialReason),
    reference: reference
      ? {
          datasetVersionId: reference.datasetVersionId,
          rows: columns?.rows ?? 0,
          scores: scores?.from ?? 'none',
        }
      : null,
  };
}
