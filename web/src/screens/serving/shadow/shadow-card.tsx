import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Endpoint } from '../../../../../src/lifecycle/serving/contract.ts';
import type { ShadowEvidence } from '../../../../../src/loop/contract.ts';
import { shadowEvidenceQuery } from '../../../api/queries.ts';
import { ComparedHistogram, ComparedLegend } from '../../../charts/draw/compared-histogram.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { Figures } from '../../../kit/facts.tsx';
import { Select } from '../../../kit/fields.tsx';
import { formatNumber, formatSigned } from '../../../kit/format.ts';
import { QueryCard } from '../../../kit/panel.tsx';
import { RolloutEvidence } from '../../../kit/rollout/evidence.tsx';
import { boundsOf } from '../../../kit/rollout/evidence-text.ts';
import { Table } from '../../../kit/table.tsx';
import { Ago, EventTime } from '../../../kit/time.tsx';
import { planMetrics } from '../rollouts/plan-draft.ts';
import { ReadingLog } from './reading-log.tsx';

const METRICS = planMetrics.filter(([name]) => name !== 'outcome' && name !== 'value');

/** By what a shadow is looked at; `metric` and `by` are in the address. */
type ShadowView = { readonly metric?: string | undefined; readonly by?: string | undefined };

/** What a version that only listens says beside the champion: nothing is decided by it. */
export function ShadowCard(props: {
  readonly endpoint: Endpoint;
  readonly view: ShadowView;
  readonly onView: (view: ShadowView) => void;
}) {
  const { endpoint, view, onView } = props;
  const evidence = useQuery({
    ...shadowEvidenceQuery(endpoint.name, view.metric, view.by),
    placeholderData: keepPreviousData,
  });
  const features = evidence.data?.features ?? [];
  return (
    <QueryCard
      title="Shadow"
      note={
        evidence.isPending || evidence.isPlaceholderData ? (
          <ReadingLog endpoint={endpoint.name} />
        ) : (
          evidence.data && (
            <>
              since <Ago at={evidence.data.since} />; nobody hears it, and nothing is decided
            </>
          )
        )
      }
      actions={
        <>
          <Select
            label="Metric of the comparison"
            value={view.metric ?? 'logLoss'}
            options={METRICS}
            onChange={(metric) => onView({ ...view, metric: metric === 'logLoss' ? undefined : metric })}
          />
          <Select
            label="Segments of the comparison"
            value={view.by ?? ''}
            all="All requests"
            options={(view.by && !features.includes(view.by) ? [view.by, ...features] : features).map(
              (name) => [name, `by ${name}`] as const,
            )}
            onChange={(by) => onView({ ...view, by })}
          />
        </>
      }
      query={evidence}
      rows={6}
      isEmpty={({ scores, look }) => scores === null && look.shadow.length === 0}
      empty={
        <EmptyLine>
          No copy has been answered yet. Requests are copied in gaps, and appear here some seconds after they
          are answered.
        </EmptyLine>
      }
    >
      {(data) => <ShadowBody evidence={data} />}
    </QueryCard>
  );
}

function ShadowBody(props: { readonly evidence: ShadowEvidence }) {
  const { evidence } = props;
  const { look, metric, championVersion, shadowVersion } = evidence;
  // What is only said of versions that are heard (their split, their own latency) never comes.
  const guardrails = look.guardrails.filter((rail) => rail.verdict !== 'waiting');
  const names = useMemo(
    () => [`v${championVersion}`, `v${shadowVersion}`] as const,
    [championVersion, shadowVersion],
  );
  return (
    <div className="flex flex-col gap-6">
      <RolloutEvidence
        model={evidence.model}
        {...{ championVersion, metric, look: { ...look, guardrails } }}
        bandit={null}
        of="the shadow"
        courseOf={({ n: pairs, difference: value, low, high }) =>
          value === null || low === null || high === null ? [] : [{ pairs, value, low, high }]
        }
        boundsOf={({ margin }) => boundsOf({ isPrimary: true, isCanary: false, prove: 'notWorse', margin })}
        need={look.labels.need}
        nothing="Too few labelled outcomes for an interval."
      />
      {evidence.scores && (
        <div className="grid items-start gap-x-8 gap-y-6 lg:grid-cols-2">
          <section className="flex min-w-0 flex-col gap-2">
            <h3 className="font-strong">Scores on the same requests</h3>
            <ComparedLegend
              reference={`v${championVersion}, heard`}
              current={`v${shadowVersion}, in shadow`}
            />
            <ComparedHistogram
              counts={{
                edges: evidence.scores.edges,
                categories: null,
                reference: evidence.scores.champion,
                current: evidence.scores.shadow,
              }}
              label="Scores"
              names={names}
            />
          </section>
          <Apart evidence={evidence} />
        </div>
      )}
    </div>
  );
}

/** How far the scores are apart, and where most. */
function Apart(props: { readonly evidence: ShadowEvidence }) {
  const { differences, furthest, endpoint, championVersion, shadowVersion } = props.evidence;
  if (!differences) return null;
  return (
    <section className="flex min-w-0 flex-col gap-2">
      <h3 className="font-strong">
        How far apart{' '}
        <span className="font-normal text-label text-muted">
          score of v{shadowVersion} minus that of v{championVersion}
        </span>
      </h3>
      <Figures
        figures={(
          [
            ['5 in 100 below', differences.p05],
            ['A quarter below', differences.p25],
            ['Median', differences.p50],
            ['A quarter above', differences.p75],
            ['5 in 100 above', differences.p95],
          ] as const
        ).map(([label, value]) => [label, formatSigned(value, 3), label] as const)}
      />
      <Table
        label="Requests furthest apart"
        rows={furthest}
        rowKey={(row) => row.predictionId}
        columns={[
          {
            id: 'id',
            head: 'Furthest apart',
            className: 'max-w-40',
            cell: ({ predictionId }) => (
              <Link
                to="/predictions"
                search={{ endpoint, id: predictionId }}
                className="block max-w-40 truncate font-mono text-accent text-label"
              >
                {predictionId}
              </Link>
            ),
          },
          { id: 'at', head: 'Event time', cell: (row) => <EventTime at={row.eventTime} /> },
          { id: 'champion', head: `v${championVersion}`, cell: (row) => formatNumber(row.champion, 4) },
          { id: 'shadow', head: `v${shadowVersion}`, cell: (row) => formatNumber(row.shadow, 4) },
        ]}
      />
    </section>
  );
}
