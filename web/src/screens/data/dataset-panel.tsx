import { useQuery } from '@tanstack/react-query';
import type { ColumnProfile, DatasetVersion } from '../../../../src/lifecycle/data/contract.ts';
import { datasetVersionQuery } from '../../api/queries.ts';
import { SparkBars } from '../../charts/draw/sparkline.tsx';
import { Facts } from '../../kit/facts.tsx';
import {
  formatBytes,
  formatCount,
  formatDay,
  formatNumber,
  formatPercent,
  plural,
  shortId,
} from '../../kit/format.ts';
import { QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { actorName } from '../../kit/turn-text.ts';

/** One dataset version: where it is from, what each column holds, what its contract expects. */
export function DatasetPanel(props: { readonly id: string; readonly onClose: () => void }) {
  const version = useQuery(datasetVersionQuery(props.id));
  return (
    <SidePanel
      title={version.data ? `${version.data.dataset}, version ${version.data.version}` : 'Dataset version'}
      label="Dataset version"
      onClose={props.onClose}
    >
      <QueryView query={version} rows={8}>
        {(data) => <DatasetBody version={data} />}
      </QueryView>
    </SidePanel>
  );
}

function DatasetBody(props: { readonly version: DatasetVersion }) {
  const { version } = props;
  const roles = new Map([
    [version.time, 'event time'],
    [version.entity, 'entity'],
    [version.label, 'label'],
  ]);
  return (
    <div className="flex flex-col gap-5">
      <Facts
        facts={[
          ['Rows', formatCount(version.rows)],
          version.timeRange !== null && [
            'Covers',
            `${formatDay(Date.parse(version.timeRange.min), 0)} to ${formatDay(Date.parse(version.timeRange.max), 0)}`,
          ],
          [
            'From',
            version.source.startsWith('sha256:') ? (
              <Id key="f" id={version.source} text={shortId(version.source)} />
            ) : (
              version.source
            ),
          ],
          ['Size', formatBytes(version.sizeBytes)],
          [
            'Registered',
            <span key="r">
              <Ago at={version.registeredAt} /> by {actorName(version.registeredBy)}
            </span>,
          ],
          ['Digest', <Id key="d" id={version.digest} text={shortId(version.digest)} />],
        ]}
      />
      <section>
        <h3 className="pb-1 font-strong">Columns ({version.profile.length})</h3>
        <ul>
          {version.profile.map((column) => (
            <li
              key={column.name}
              className="grid grid-cols-[1fr_130px] items-center gap-x-4 border-line border-t py-2"
            >
              <div className="min-w-0">
                <span className="font-strong">{column.name}</span>{' '}
                <span className="text-label text-muted">
                  {[column.type, roles.get(column.name)].filter(Boolean).join(', ')}
                </span>
                <span className="block truncate text-muted">{describe(column)}</span>
                {column.missing > 0 && (
                  <span className="inline-flex items-center gap-1.5 text-label text-muted">
                    <StateMark state="watch" size={8} label="" />
                    {formatPercent(column.missingRatio)} missing ({plural(column.missing, 'row')})
                  </span>
                )}
              </div>
              <Shape column={column} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function describe(column: ColumnProfile): string {
  if (column.count > 1 && column.distinct === column.count && !column.numeric && !column.timeRange)
    return 'every row another value';
  if (column.numeric)
    return `${formatNumber(column.numeric.min)} to ${formatNumber(column.numeric.max)}, mean ${formatNumber(column.numeric.mean)}`;
  if (column.timeRange)
    return `${formatDay(Date.parse(column.timeRange.min), 0)} to ${formatDay(Date.parse(column.timeRange.max), 0)}`;
  const top = column.top.slice(0, 3).map((each) => `${each.value} ${formatPercent(each.ratio)}`);
  return `${plural(column.distinct, 'value')}${top.length > 0 ? `: ${top.join(', ')}` : ''}`;
}

function Shape(props: { readonly column: ColumnProfile }) {
  const { column } = props;
  if (column.numeric)
    return (
      <SparkBars
        values={column.numeric.histogram.counts}
        label={`Distribution of ${column.name}`}
        width={130}
        height={28}
      />
    );
  if (column.top.length > 0 && column.distinct < column.count)
    return (
      <SparkBars
        values={column.top.slice(0, 20).map((each) => each.count)}
        label={`Most frequent values of ${column.name}`}
        width={130}
        height={28}
      />
    );
  return null;
}
