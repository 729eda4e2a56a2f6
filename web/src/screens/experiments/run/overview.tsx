import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { byName } from '../../../kit/by-name.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { SearchField } from '../../../kit/fields.tsx';
import { formatCount } from '../../../kit/format.ts';
import { Card } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { Written } from '../../../kit/written.tsx';
import { CodeCard, DataCard, ModelsCard } from './facts-cards.tsx';
import { MetricsTable } from './metrics-table.tsx';
import { EditRun, NOTE_TAG } from './run-edit.tsx';

const SEARCH_FROM = 12;

/** The run at a glance: results, params, data, models, code. */
export function Overview(props: { readonly run: RunDetail }) {
  const { run } = props;
  const note = run.tags[NOTE_TAG];
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-4">
        {note && (
          <Card title="Note">
            <Written text={note} />
          </Card>
        )}
        <MetricsTable run={run} />
        <ModelsCard run={run} />
        <DataCard run={run} />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <Pairs title="Params" none="This run logged no param." pairs={Object.entries(run.params)} mono />
        <CodeCard run={run} />
        <Pairs
          title="Tags"
          none="No tags of your own."
          act={run.lifecycleStage !== 'deleted' && <EditRun run={run} />}
          pairs={Object.entries(run.tags).filter(([key]) => !/^(mlflow|millrace)\./.test(key))}
        />
        <Link
          to="/runs"
          search={{ experiment: run.experimentId, filter: `tags.\`mlflow.parentRunId\` = '${run.id}'` }}
          className="text-accent text-label"
        >
          Child runs of this run
        </Link>
      </div>
    </div>
  );
}

/** Names and texts, with a search once there are many; long texts wrap and scroll. */
function Pairs(props: {
  readonly title: string;
  readonly none: string;
  readonly pairs: readonly (readonly [string, string])[];
  readonly mono?: boolean;
  readonly act?: ReactNode;
}) {
  const [query, setQuery] = useState('');
  const sorted = props.pairs.toSorted(([a], [b]) => byName(a, b));
  const found = sorted.filter(([key, value]) =>
    `${key} ${value}`.toLowerCase().includes(query.toLowerCase()),
  );
  const shown = found.slice(0, 500);
  return (
    <Card
      title={props.title}
      note={props.pairs.length > 0 ? formatCount(props.pairs.length) : undefined}
      actions={
        <>
          {props.pairs.length > SEARCH_FROM && (
            <SearchField
              label={`Search ${props.title.toLowerCase()}`}
              value={query}
              onChange={setQuery}
              className="w-44"
            />
          )}
          {props.act}
        </>
      }
    >
      {props.pairs.length === 0 ? (
        <EmptyLine>{props.none}</EmptyLine>
      ) : shown.length === 0 ? (
        <EmptyLine>None holds this text.</EmptyLine>
      ) : (
        <Scroll label={props.title} className="max-h-96">
          <dl className="grid items-baseline grid-cols-[minmax(96px,2fr)_minmax(0,3fr)] gap-x-4 gap-y-1.5">
            {shown.map(([key, value]) => (
              <div key={key} className="contents">
                <dt className="break-words text-muted">{key}</dt>
                <dd className={`min-w-0 break-words ${props.mono ? 'font-mono text-label' : ''}`}>
                  {value === '' ? <span className="font-sans text-faint">empty</span> : value}
                </dd>
              </div>
            ))}
          </dl>
          {found.length > shown.length && (
            <p className="pt-2 text-label text-muted">
              The first {formatCount(shown.length)} of {formatCount(found.length)}; search for others.
            </p>
          )}
        </Scroll>
      )}
    </Card>
  );
}
