import type { ReactNode } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import type { DataColumn } from '../../../kit/data-grid/data-grid.tsx';

/** A column for each run, for tables whose rows are keys. */
export function runColumns<Row>(
  runs: readonly Run[],
  cell: (row: Row, index: number) => ReactNode,
  align?: 'right',
): readonly DataColumn<Row>[] {
  return runs.map((run, index) => ({
    id: run.id,
    head: run.name,
    tip: `${run.name}\n${run.id}`,
    widthPx: 136,
    grows: runs.length <= 8,
    ...(align ? { align } : {}),
    cell: (row) => cell(row, index),
  }));
}

/** A text of a cell: cut where it is long, whole on hover; empty and missing are told apart. */
export function CellText(props: { readonly value: string | undefined; readonly strong?: boolean }) {
  const { value, strong } = props;
  if (value === undefined) return <span className="text-faint">–</span>;
  if (value === '') return <span className="text-faint text-label">empty</span>;
  return (
    <span
      className={`min-w-0 truncate font-mono text-label ${strong ? 'text-text' : 'text-muted'}`}
      data-tip={value.length > 14 ? value.slice(0, 600) : undefined}
    >
      {value}
    </span>
  );
}
