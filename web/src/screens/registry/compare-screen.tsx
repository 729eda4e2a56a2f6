import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type {
  ComparedVersion,
  MetricDifference,
  VersionComparison,
} from '../../../../src/lifecycle/registry/contract/compare.ts';
import { versionsQuery } from '../../api/queries.ts';
import { comparisonQuery } from '../../api/registry.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatNumber, formatSigned, shortId } from '../../kit/format.ts';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { Ago } from '../../kit/time.tsx';
import { actorName } from '../../kit/turn-text.ts';

const route = getRouteApi('/models/$model/compare');

/** What is different between two versions of a model? */
export function CompareVersionsScreen() {
  const { model } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/models/$model/compare' });
  const versions = useQuery(versionsQuery(model));
  const numbers = (versions.data?.items ?? []).map((each) => each.version).toSorted((a, b) => b - a);
  const to = search.to ?? String(numbers[0] ?? '');
  const from = search.from ?? String(numbers[1] ?? numbers[0] ?? '');
  const comparison = useQuery({ ...comparisonQuery(model, from, to), enabled: from !== '' && to !== '' });
  const pick =
    (name: 'from' | 'to') =>
    (value: string | undefined): void =>
      void navigate({ search: { from, to, [name]: value }, replace: true });
  const options = numbers.map((number) => [String(number), `v${number}`] as const);
  return (
    <Page>
      <PageHead
        title={
          <span className="break-all">
            {model}: v{from} and v{to}
          </span>
        }
        sentence={comparison.data && sentenceOf(comparison.data)}
        actions={
          <>
            <Chooser label="From" value={from} options={options} onChange={pick('from')} />
            <span className="text-muted">to</span>
            <Chooser label="To" value={to} options={options} onChange={pick('to')} />
          </>
        }
      />
      <QueryView query={comparison} rows={10}>
        {(data) => <Differences data={data} />}
      </QueryView>
    </Page>
  );
}

function sentenceOf(data: VersionComparison): string {
  const { isSamePackage, isSameCommit } = data;
  const unpackaged = [data.from, data.to].filter(({ digest }) => digest === null);
  const parts = [
    isSamePackage !== null
      ? isSamePackage
        ? 'the same package'
        : 'different packages'
      : unpackaged.length === 2
        ? 'neither is packaged yet'
        : `v${unpackaged[0]?.version} is not packaged yet`,
    isSameCommit === null ? null : isSameCommit ? 'the same commit' : 'different commits',
  ].filter((part) => part !== null);
  const text = parts.join(', ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function Differences(props: { readonly data: VersionComparison }) {
  const { data } = props;
  const pair = (
    key: string,
    from: string | null,
    to: string | null,
  ): readonly [string, ReactNode, ReactNode] => [
    key,
    <Value key="f" text={from} />,
    <Value key="t" text={to} />,
  ];
  return (
    <>
      <div className="grid gap-4 md:grid-cols-2">
        <Head side="From" version={data.from} name={data.name} />
        <Head side="To" version={data.to} name={data.name} />
      </div>
      {data.notes.length > 0 && (
        <ul className="text-muted">
          {data.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <Metrics data={data} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Part
          title="Params"
          same={data.params.sameCount}
          rows={data.params.differing.map((each) => pair(each.key, each.from, each.to))}
        />
        <Part
          title="Data"
          same={data.datasets.sameCount}
          rows={data.datasets.differing.map((each) =>
            pair(
              each.context ? `${each.name}, ${each.context}` : each.name,
              each.from && shortId(each.from),
              each.to && shortId(each.to),
            ),
          )}
        />
        <Part
          title="Signature"
          same={data.signature.sameCount}
          rows={data.signature.differing.map((each) => pair(`${each.side} ${each.name}`, each.from, each.to))}
        />
        <Part
          title="Environment"
          same={data.environment.sameCount}
          rows={data.environment.differing.map((each) =>
            pair(`${each.name} (${each.file})`, each.from, each.to),
          )}
        />
        <Part
          title="Tags"
          same={data.tags.sameCount}
          rows={data.tags.differing.map((each) => pair(each.key, each.from, each.to))}
        />
        <Part
          title="Gates"
          same={data.gates.sameCount}
          rows={data.gates.differing.map((each) =>
            pair(each.name, each.from && gateText(each.from), each.to && gateText(each.to)),
          )}
        />
      </div>
    </>
  );
}

const gateText = (gate: { readonly verdict: string; readonly value: number | null }): string =>
  gate.value === null ? gate.verdict : `${gate.verdict} at ${formatNumber(gate.value)}`;

function Head(props: { readonly side: string; readonly version: ComparedVersion; readonly name: string }) {
  const { side, version, name } = props;
  return (
    <Card
      title={
        <Link
          to="/models/$model/versions/$version"
          params={{ model: name, version: String(version.version) }}
          className="hover:text-accent"
        >
          {side}: v{version.version}
        </Link>
      }
      note={version.aliases.join(', ') || undefined}
    >
      <p>
        Registered <Ago at={version.createdAt} /> by {actorName(version.createdBy)}
        {version.runId && (
          <>
            , from run{' '}
            <Link to="/runs/$runId" params={{ runId: version.runId }} className="text-accent underline">
              {version.runName ?? version.runId.slice(0, 8)}
            </Link>
          </>
        )}
        .
      </p>
      <p className="break-words text-muted">
        {version.entryPoint && `${version.entryPoint}, `}
        {version.commit ? `commit ${version.commit.slice(0, 10)}` : 'no commit recorded'}
        {version.digest && `, package ${shortId(version.digest)}`}
      </p>
    </Card>
  );
}

function Value(props: { readonly text: string | null }) {
  if (props.text === null) return <span className="text-faint">none</span>;
  return <span className="break-words font-mono text-label">{props.text === '' ? 'empty' : props.text}</span>;
}

function Part(props: {
  readonly title: string;
  readonly same: number;
  readonly rows: readonly (readonly [string, ReactNode, ReactNode])[];
}) {
  const { title, same, rows } = props;
  return (
    <Card title={title} note={same > 0 ? `${same} the same` : undefined}>
      {rows.length === 0 ? (
        <EmptyLine>{same > 0 ? 'No difference.' : 'Neither has any.'}</EmptyLine>
      ) : (
        <Scroll label={title} className="max-h-96">
          <table className="w-full table-fixed">
            <thead className="text-left text-label text-muted">
              <tr>
                <th className="w-2/5 pb-1 font-normal">Name</th>
                <th className="pb-1 font-normal">From</th>
                <th className="pb-1 font-normal">To</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([key, from, to]) => (
                <tr key={key} className="border-line border-t align-top">
                  <td className="break-words py-1 pr-3 text-muted">{key}</td>
                  <td className="py-1 pr-3">{from}</td>
                  <td className="py-1">{to}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Card>
  );
}

function Metrics(props: { readonly data: VersionComparison }) {
  const { differing, sameCount } = props.data.metrics;
  return (
    <Card title="Metrics of their runs" note={sameCount > 0 ? `${sameCount} the same` : undefined}>
      {differing.length === 0 ? (
        <EmptyLine>{sameCount > 0 ? 'No difference.' : 'Neither run logged a metric.'}</EmptyLine>
      ) : (
        <Scroll label="Metrics" className="max-h-[420px]">
          <table className="w-full">
            <thead className="text-left text-label text-muted">
              <tr>
                <th className="pb-1 font-normal">Metric</th>
                <th className="pr-3 pb-1 text-right font-normal">v{props.data.from.version}</th>
                <th className="pr-3 pb-1 text-right font-normal">v{props.data.to.version}</th>
                <th className="pb-1 text-right font-normal">Difference</th>
              </tr>
            </thead>
            <tbody>
              {differing.map((each) => (
                <MetricRow key={each.key} metric={each} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Card>
  );
}

function MetricRow(props: { readonly metric: MetricDifference }) {
  const { metric } = props;
  const text = (value: MetricDifference['from']): string =>
    value === null ? 'none' : value === 'NaN' ? 'NaN' : formatNumber(value);
  const way = metric.direction === 'minimize' ? 'smaller' : 'greater';
  const guess = metric.isDirectionGuessed ? `, if ${way} is better` : '';
  const word = metric.isBetter === null ? '' : `${metric.isBetter ? 'better' : 'worse'}${guess}`;
  return (
    <tr className="border-line border-t">
      <td className="break-all py-1 pr-3">{metric.key}</td>
      <td className="py-1 pr-3 text-right text-muted" data-tip={String(metric.from)}>
        {text(metric.from)}
      </td>
      <td className="py-1 pr-3 text-right" data-tip={String(metric.to)}>
        {text(metric.to)}
      </td>
      <td
        className="py-1 text-right text-muted"
        data-tip={`${way === 'smaller' ? 'Smaller' : 'Greater'} is better${metric.isDirectionGuessed ? ', guessed from the name: a run’s table of metrics is where to say so' : ''}; two numbers of two runs, without an interval`}
      >
        {metric.difference === null ? (
          '–'
        ) : (
          <span className="whitespace-nowrap">{formatSigned(metric.difference)}</span>
        )}{' '}
        {word}
      </td>
    </tr>
  );
}
