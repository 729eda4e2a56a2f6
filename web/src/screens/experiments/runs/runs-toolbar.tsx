import { ListTree } from 'lucide-react';
import type { RunsView } from '../../../api/tracking.ts';
import { Button } from '../../../kit/button.tsx';
import { Chooser } from '../../../kit/chooser.tsx';
import { Select } from '../../../kit/fields.tsx';
import type { RunsSearch } from '../search.ts';
import { ColumnPicker } from './column-picker.tsx';
import type { ColumnRef } from './columns.ts';
import { CsvButton } from './csv-button.tsx';
import { FilterField } from './filter-field.tsx';

/** What narrows the table, and what it shows. */
export function RunsToolbar(props: {
  readonly search: RunsSearch;
  readonly set: (change: Partial<Record<keyof RunsSearch, string | undefined>>) => void;
  readonly names: ReadonlyMap<string, string>;
  readonly columns: readonly ColumnRef[];
  /** Whether the columns are known yet: before, a choice would be one among none. */
  readonly areColumnsKnown: boolean;
  readonly onColumns: (columns: readonly ColumnRef[] | null) => void;
  /** The experiments whose keys can be chosen. */
  readonly keysOf: readonly string[];
  readonly error: unknown;
  readonly view: RunsView;
}) {
  const { search, set } = props;
  return (
    <div className="flex flex-wrap items-start gap-2">
      <Chooser
        label="Experiment"
        value={search.experiment ?? ''}
        all="All experiments"
        options={[...props.names]}
        onChange={(experiment) => set({ experiment, cols: undefined, order: undefined })}
      />
      <FilterField
        value={search.filter ?? ''}
        onChange={(filter) => set({ filter })}
        experimentIds={props.keysOf}
        error={props.error}
      />
      <Select<'deleted' | 'all'>
        label="Which runs"
        value={search.view ?? ''}
        all="Active"
        options={[
          ['deleted', 'Deleted'],
          ['all', 'Both'],
        ]}
        onChange={(view) => set({ view })}
      />
      <Button
        icon={<ListTree size={14} aria-hidden />}
        aria-pressed={search.nested === 'yes'}
        data-tip="Child runs under their parents"
        onClick={() => set({ nested: search.nested === 'yes' ? undefined : 'yes' })}
        className="aria-pressed:bg-accent-quiet"
      >
        Nested
      </Button>
      <ColumnPicker
        experimentIds={props.keysOf}
        columns={props.columns}
        disabled={!props.areColumnsKnown}
        onChange={props.onColumns}
      />
      <CsvButton view={props.view} columns={props.columns} />
    </div>
  );
}
