import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { runsByIdQuery } from '../../../api/tracking.ts';
import { metricPart } from '../run-text.ts';
import { type ColumnRef, columnText, fieldsOf, parseColumns } from '../runs/columns.ts';
import { type Axis, axisOf } from './differences.ts';

/** What can be an axis: a param, a tag, or a value of a metric. */
export type Operand = { readonly column: ColumnRef; readonly text: string; readonly axis: Axis };

/** What is shown for an operand: `lr`, `auc` or `auc, best`. */
export function operandTitle(column: ColumnRef): string {
  return column.kind === 'metric' && column.part !== 'last' ? `${column.key}, ${column.part}` : column.key;
}

/** The value of an operand in a run, as it was logged. */
function operandValue(run: Run, column: ColumnRef): string | number | undefined {
  if (column.kind === 'metric') {
    const value = metricPart(run.metrics[column.key], column.part);
    return value === 'NaN' ? undefined : value;
  }
  if (column.kind === 'param') return run.params[column.key];
  if (column.kind === 'tag') return run.tags[column.key];
  if (column.key === 'took') return run.durationMs === null ? undefined : run.durationMs / 1000;
  return undefined;
}

/** Operands with their values over the runs; texts that name none are dropped. */
export function useOperands(runs: readonly Run[], texts: readonly string[]) {
  const joined = texts.join(',');
  const columns = useMemo(() => parseColumns(joined), [joined]);
  const ids = runs.map((run) => run.id);
  const query = useQuery({ ...runsByIdQuery(ids, fieldsOf(columns)), enabled: columns.length > 0 });
  const operands = useMemo(() => {
    const byId = new Map((query.data ?? []).map((run) => [run.id, run]));
    return columns.map((column): Operand => {
      const values = runs.map((run) => {
        const loaded = byId.get(run.id);
        return loaded && operandValue(loaded, column);
      });
      return { column, text: columnText(column), axis: axisOf(values) };
    });
  }, [query.data, columns, runs]);
  return { query, operands };
}
