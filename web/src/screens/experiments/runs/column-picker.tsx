import { ChevronDown, ChevronUp, Columns3, Plus, X } from 'lucide-react';
import { useState } from 'react';
import { Button, IconButton } from '../../../kit/button.tsx';
import { Dialog, DialogHead } from '../../../kit/dialog.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { Choice, SearchField, Select } from '../../../kit/fields.tsx';
import { ProblemNote, Skeleton } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { useRunKeys } from '../run-keys.ts';
import {
  type ColumnRef,
  columnText,
  METRIC_PARTS,
  type MetricPart,
  MOST_COLUMNS,
  OWN_FIELDS,
  type OwnField,
} from './columns.ts';

const SHOWN = 200;
const OWN_WORD: Readonly<Record<OwnField, string>> = {
  started: 'Started',
  took: 'Took',
  status: 'State',
  experiment: 'Experiment',
  by: 'By',
  id: 'Run id',
};

/** Which columns a table of runs shows and in which order; keys are searched on the server. */
export function ColumnPicker(props: {
  readonly experimentIds: readonly string[];
  readonly columns: readonly ColumnRef[];
  readonly disabled: boolean;
  readonly onChange: (columns: readonly ColumnRef[] | null) => void;
}) {
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <Button
        icon={<Columns3 size={14} aria-hidden />}
        disabled={props.disabled}
        onClick={() => setOpen(true)}
      >
        Columns
      </Button>
      <Dialog open={open} onClose={close} label="Columns" className="w-[min(820px,calc(100vw-24px))]">
        <DialogHead title="Columns" onClose={close} />
        <div className="grid max-h-[calc(100dvh-140px)] grid-rows-[minmax(0,1fr)_minmax(0,1fr)] sm:grid-cols-2 sm:grid-rows-1">
          <Found {...props} />
          <Shown columns={props.columns} onChange={props.onChange} />
        </div>
      </Dialog>
    </>
  );
}

type Kind = 'metric' | 'param' | 'tag' | 'own';

function Found(props: {
  readonly experimentIds: readonly string[];
  readonly columns: readonly ColumnRef[];
  readonly onChange: (columns: readonly ColumnRef[]) => void;
}) {
  const { experimentIds, columns, onChange } = props;
  const [kind, setKind] = useState<Kind>('metric');
  const [query, setQuery] = useState('');
  const [part, setPart] = useState<MetricPart>('last');
  const found = useRunKeys(
    experimentIds,
    { limit: SHOWN, query, ...(kind === 'own' ? {} : { kind }) },
    kind !== 'own',
  );
  const full = columns.length >= MOST_COLUMNS;
  const add = (column: ColumnRef): void => {
    if (columns.some((each) => columnText(each) === columnText(column)))
      onChange(columns.filter((each) => columnText(each) !== columnText(column)));
    else if (!full) onChange([...columns, column]);
  };
  const isShown = (column: ColumnRef): boolean =>
    columns.some((each) => columnText(each) === columnText(column));
  return (
    <div className="flex min-h-0 flex-col border-line border-b sm:border-r sm:border-b-0">
      <div className="flex flex-col gap-2 p-3">
        <Choice<Kind>
          label="Kind"
          value={kind}
          options={[
            ['metric', 'Metrics'],
            ['param', 'Params'],
            ['tag', 'Tags'],
            ['own', 'Own'],
          ]}
          onChange={setKind}
        />
        {kind !== 'own' && (
          <div className="flex gap-2">
            <SearchField
              label="Search keys"
              placeholder="part of a name"
              value={query}
              onChange={setQuery}
              className="min-w-0 flex-1"
            />
            {kind === 'metric' && (
              <Select<MetricPart>
                label="Which value"
                value={part}
                options={METRIC_PARTS.map((each) => [each, each] as const)}
                onChange={(next) => setPart(next ?? 'last')}
              />
            )}
          </div>
        )}
      </div>
      <Scroll label="Keys that could be shown" className="h-[min(360px,50dvh)] px-1 pb-2">
        {kind === 'own' ? (
          <ul>
            {OWN_FIELDS.map((key) => (
              <KeyRow
                key={key}
                text={OWN_WORD[key]}
                checked={isShown({ kind: 'own', key })}
                onToggle={() => add({ kind: 'own', key })}
              />
            ))}
          </ul>
        ) : found.keys.length === 0 ? (
          <div className="px-2">
            {found.error ? (
              <ProblemNote error={found.error} />
            ) : found.isFetched ? (
              <EmptyLine>{query ? 'No key holds this text.' : `No ${kind} was logged here.`}</EmptyLine>
            ) : (
              <Skeleton rows={6} />
            )}
          </div>
        ) : (
          <>
            <ul>
              {found.keys.map((each) => {
                const column: ColumnRef =
                  each.kind === 'metric'
                    ? { kind: 'metric', key: each.key, part }
                    : { kind: each.kind, key: each.key };
                return (
                  <KeyRow
                    key={`${each.kind} ${each.key}`}
                    text={each.key}
                    note={each.latestRuns === 0 ? 'old runs only' : undefined}
                    checked={isShown(column)}
                    onToggle={() => add(column)}
                  />
                );
              })}
            </ul>
            {found.hasMore && (
              <p className="px-2 py-2 text-label text-muted">
                The first {found.keys.length}; type a part of the name to find others.
              </p>
            )}
          </>
        )}
      </Scroll>
      {full && (
        <p className="px-3 pb-2 text-label text-muted">{MOST_COLUMNS} columns are the most at once.</p>
      )}
    </div>
  );
}

function KeyRow(props: {
  readonly text: string;
  readonly note?: string | undefined;
  readonly checked: boolean;
  readonly onToggle: () => void;
}) {
  return (
    <li>
      <label className="flex min-h-7 items-center gap-2 rounded-control px-2 hover:bg-sunken pointer-coarse:min-h-9">
        <input
          type="checkbox"
          checked={props.checked}
          onChange={props.onToggle}
          className="size-3.5 accent-accent"
        />
        <span className="min-w-0 break-all">{props.text}</span>
        {props.note && <span className="ml-auto shrink-0 text-faint text-label">{props.note}</span>}
      </label>
    </li>
  );
}

function Shown(props: {
  readonly columns: readonly ColumnRef[];
  readonly onChange: (columns: readonly ColumnRef[] | null) => void;
}) {
  const { columns, onChange } = props;
  const move = (index: number, by: number): void => {
    const next = [...columns];
    const [taken] = next.splice(index, 1);
    if (taken) next.splice(index + by, 0, taken);
    onChange(next);
  };
  return (
    <div className="flex min-h-0 flex-col">
      <div className="flex items-center gap-2 p-3">
        <h3 className="font-strong">Shown, left to right</h3>
        <span className="text-muted">{columns.length}</span>
        <span className="ml-auto">
          <Button look="quiet" onClick={() => onChange(null)}>
            As suggested
          </Button>
        </span>
      </div>
      <Scroll label="Columns that are shown" className="h-[min(360px,50dvh)] px-1 pb-2">
        <ol>
          {columns.map((column, index) => (
            <li
              key={columnText(column)}
              className="flex min-h-8 items-center gap-1 rounded-control pr-1 pl-2 hover:bg-sunken"
            >
              <span className="min-w-0 break-all">
                {column.kind === 'own' ? OWN_WORD[column.key] : column.key}
              </span>
              {column.kind === 'metric' ? (
                <span className="ml-auto">
                  <Select<MetricPart>
                    label={`Which value of ${column.key}`}
                    value={column.part}
                    options={METRIC_PARTS.map((each) => [each, each] as const)}
                    onChange={(part) =>
                      onChange(
                        columns.map((each, at) =>
                          at === index ? { ...column, part: part ?? 'last' } : each,
                        ),
                      )
                    }
                  />
                </span>
              ) : (
                <span className="ml-auto text-faint text-label">
                  {column.kind === 'own' ? '' : column.kind}
                </span>
              )}
              <IconButton label="Move left" disabled={index === 0} onClick={() => move(index, -1)}>
                <ChevronUp size={14} aria-hidden />
              </IconButton>
              <IconButton
                label="Move right"
                disabled={index === columns.length - 1}
                onClick={() => move(index, 1)}
              >
                <ChevronDown size={14} aria-hidden />
              </IconButton>
              <IconButton label="Leave out" onClick={() => onChange(columns.filter((_, at) => at !== index))}>
                <X size={14} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ol>
        {columns.length === 0 && (
          <p className="flex items-center gap-1 px-2 text-muted">
            <Plus size={14} aria-hidden /> Choose keys on the other side.
          </p>
        )}
      </Scroll>
    </div>
  );
}
