import { useQuery } from '@tanstack/react-query';
import { SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import type { LogFacets } from '../../../../src/lifecycle/feedback/contract.ts';
import { facetsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Chooser } from '../../kit/chooser.tsx';
import { DateTimeField, SearchField, Select } from '../../kit/fields.tsx';
import { formatCount } from '../../kit/format.ts';
import { fromField, toField } from '../../kit/span.ts';
import { choices, filtersOf, noFilters, type PredictionsSearch, type SearchChange } from './search.ts';

type Set = (change: SearchChange) => void;
type BarProps = { readonly endpoint: string; readonly search: PredictionsSearch; readonly set: Set };

/** A number that may stand in the address; anything else filters nothing. */
const numeric = (text: string): string | undefined =>
  text !== '' && Number.isFinite(Number(text)) ? text : undefined;

/** Which rows of the log: the usual filters in a row, the rarer ones below when asked for; folded on a phone. */
export function FilterBar(props: BarProps) {
  const { endpoint, search, set } = props;
  const facets = useQuery(facetsQuery(endpoint, search.from, search.to));
  const arms = (facets.data?.arms ?? []).map(({ arm, rows }) => ({ name: arm, rows }));
  const rare = [search.status, search.version, search.feature, search.from, search.to].some(
    (each) => each !== undefined,
  );
  const [more, setMore] = useState(rare);
  const [open, setOpen] = useState(false);
  const count = Object.keys(filtersOf(search)).length;
  return (
    <section aria-label="Filters" className="flex flex-col gap-2">
      <div className="flex gap-2 sm:hidden">
        <Button
          icon={<SlidersHorizontal size={14} aria-hidden />}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          Filters{count > 0 ? ` (${count})` : ''}
        </Button>
        {count > 0 && (
          <Button look="quiet" onClick={() => set(noFilters)}>
            Clear
          </Button>
        )}
      </div>
      <div className={`${open ? 'grid grid-cols-2 *:max-w-none' : 'hidden'} gap-2 sm:flex sm:flex-wrap`}>
        <Select
          label="Arm"
          value={search.arm ?? ''}
          all="Heard answers"
          options={optionsOf(choices(arms, search.arm))}
          onChange={(arm) => set({ arm })}
        />
        <Select
          label="Label"
          value={search.labelled ?? ''}
          all="Labelled or not"
          options={[
            ['true', 'labelled'],
            ['false', 'without a label'],
          ]}
          onChange={(labelled) => set({ labelled })}
        />
        <Select
          label="Outcome"
          value={search.outcome ?? ''}
          all="Right or wrong"
          options={[
            ['correct', 'right'],
            ['wrong', 'wrong'],
          ]}
          onChange={(outcome) => set({ outcome })}
        />
        <SearchField
          exact
          label="Least score"
          placeholder="Score from"
          value={search.minScore ?? ''}
          onChange={(least) => set({ minScore: numeric(least) })}
          className="w-full sm:w-34"
        />
        <SearchField
          exact
          label="Greatest score"
          placeholder="Score to"
          value={search.maxScore ?? ''}
          onChange={(greatest) => set({ maxScore: numeric(greatest) })}
          className="w-full sm:w-34"
        />
        <SearchField
          exact
          label="Entity"
          placeholder="Entity"
          value={search.entity ?? ''}
          onChange={(entity) => set({ entity: entity || undefined })}
          className="w-full sm:w-32"
        />
        <Button aria-expanded={more} onClick={() => setMore(!more)}>
          {more ? 'Fewer filters' : 'More filters'}
        </Button>
        {count > 0 && (
          <Button look="quiet" className="max-sm:hidden" onClick={() => set(noFilters)}>
            Clear {count}
          </Button>
        )}
      </div>
      {more && <RareFilters {...props} hidden={!open} facets={facets.data} />}
    </section>
  );
}

/** Each choice with how many rows it has. */
const optionsOf = (found: readonly { readonly name: string; readonly rows: number }[]) =>
  found.map(({ name, rows }) => [name, rows > 0 ? `${name} (${formatCount(rows)})` : name] as const);

function RareFilters(props: BarProps & { readonly hidden: boolean; readonly facets: LogFacets | undefined }) {
  const { search, set, hidden, facets } = props;
  const versions = (facets?.arms ?? []).flatMap(({ modelVersion, rows }) =>
    modelVersion === null ? [] : [{ name: modelVersion, rows }],
  );
  const statuses = (facets?.statuses ?? []).map(({ status, rows }) => ({ name: status, rows }));
  const inputs = facets?.features ?? [];
  const features =
    search.feature === undefined || inputs.includes(search.feature) ? inputs : [search.feature, ...inputs];
  return (
    <div className={`${hidden ? 'hidden' : 'grid grid-cols-2 *:max-w-none'} gap-2 sm:flex sm:flex-wrap`}>
      <Select
        label="Status"
        value={search.status ?? ''}
        all="Any status"
        options={[
          ...(search.status === 'failed' || statuses.length > 1 ? [['failed', 'any error'] as const] : []),
          ...optionsOf(choices(statuses, search.status === 'failed' ? undefined : search.status)).map(
            ([name, text]) => [name, text.replaceAll('_', ' ')] as const,
          ),
        ]}
        onChange={(status) => set({ status })}
      />
      <DateTimeField
        label="From"
        value={toField(search.from)}
        onChange={(field) => set({ from: fromField(field) })}
      />
      <DateTimeField
        label="Before"
        value={toField(search.to)}
        onChange={(field) => set({ to: fromField(field) })}
      />
      <Chooser
        label="Version"
        value={search.version ?? ''}
        all="Any version"
        options={optionsOf(choices(versions, search.version)).map(
          ([name, text]) => [name, `v${text}`] as const,
        )}
        onChange={(version) => set({ version })}
      />
      <Chooser
        label="Feature"
        value={search.feature ?? ''}
        all="Any segment"
        options={features.map((name) => [name, `where ${name} is`] as const)}
        onChange={(feature) => set({ feature, ...(feature === undefined ? { value: undefined } : {}) })}
      />
      {search.feature !== undefined && (
        <SearchField
          exact
          label={`Value of ${search.feature}`}
          placeholder="Value"
          value={search.value ?? ''}
          onChange={(value) => set({ value: value || undefined })}
          className="w-full sm:w-36"
        />
      )}
    </div>
  );
}
