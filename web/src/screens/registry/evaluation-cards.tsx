import { useQuery } from '@tanstack/react-query';
import type { Evaluation } from '../../../../src/lifecycle/evaluation/contract.ts';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { evaluationQuery } from '../../api/queries.ts';
import { Reliability } from '../../charts/draw/reliability.tsx';
import { Facts } from '../../kit/facts.tsx';
import { formatCount, plural, shortId } from '../../kit/format.ts';
import { IdentitySwatch } from '../../kit/identity.tsx';
import { Card, QueryCard } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { ComparisonTable, SegmentTable } from './comparison.tsx';

/** How good a version is on rows that it had not seen: beside the champion, by segment, and calibrated. */
export function EvaluationCards(props: { readonly id: string; readonly version: ModelVersion }) {
  const evaluation = useQuery(evaluationQuery(props.id));
  return (
    <>
      <QueryCard
        title={
          evaluation.data?.report.overall.champion
            ? props.version.aliases.includes('champion')
              ? 'Against the champion before it, same rows'
              : 'Against the champion of that day, same rows'
            : 'On held-out rows'
        }
        note={
          evaluation.data
            ? `${plural(evaluation.data.report.overall.rows, 'row')}, ${formatCount(evaluation.data.report.overall.positives)} positive`
            : undefined
        }
        query={evaluation}
        rows={8}
        flush
        className="overflow-hidden"
      >
        {(data) => <ComparisonTable comparison={data.report.overall} version={props.version.version} />}
      </QueryCard>
      {evaluation.data && evaluation.data.report.segments.length > 0 && (
        <SegmentTable report={evaluation.data.report} />
      )}
      {evaluation.data && <Calibration evaluation={evaluation.data} version={props.version} />}
    </>
  );
}

function Calibration(props: { readonly evaluation: Evaluation; readonly version: ModelVersion }) {
  const { candidate, champion, threshold, dataset, seed } = props.evaluation.report;
  const points = (curves: typeof candidate) =>
    curves.calibration.bins.flatMap((bin) =>
      bin.observed.value === null
        ? []
        : [
            {
              meanScore: bin.meanScore,
              observed: bin.observed.value,
              low: bin.observed.low,
              high: bin.observed.high,
              rows: bin.observed.n,
            },
          ],
    );
  return (
    <Card title="Calibration" note="predicted against observed, per cent">
      <div className="flex flex-wrap items-start gap-x-5 gap-y-4">
        <Reliability
          size={196}
          models={[
            ...(champion
              ? [{ id: 'champion', identity: 'champion' as const, points: points(champion) }]
              : []),
            {
              id: `v${props.version.version}`,
              identity: champion ? ('challenger' as const) : ('champion' as const),
              points: points(candidate),
            },
          ]}
        />
        <div className="min-w-44 flex-1">
          <Facts
            facts={[
              champion && [
                'champion',
                <span key="c" className="inline-flex items-center gap-2 whitespace-nowrap">
                  <IdentitySwatch identity="champion" /> slope {champion.calibration.slope?.toFixed(2) ?? '–'}
                </span>,
              ],
              [
                `v${props.version.version}`,
                <span key="v" className="inline-flex items-center gap-2 whitespace-nowrap">
                  <IdentitySwatch identity={champion ? 'challenger' : 'champion'} /> slope{' '}
                  {candidate.calibration.slope?.toFixed(2) ?? '–'}
                </span>,
              ],
              ['Decided at', `score ≥ ${threshold}`],
              [
                'Right',
                `${formatCount(candidate.confusion.truePositives + candidate.confusion.trueNegatives)} of ${formatCount(props.evaluation.rows)}`,
              ],
              ['Missed', formatCount(candidate.confusion.falseNegatives)],
              ['False alarms', formatCount(candidate.confusion.falsePositives)],
              ['Rows', <Id key="d" id={dataset.digest} text={shortId(dataset.digest)} />],
              ['Seed', String(seed)],
            ]}
          />
          <p className="pt-3 text-label text-muted">
            On the dotted line a score means what it says. A slope of 1 is ideal.
          </p>
        </div>
      </div>
    </Card>
  );
}
