import { formatDuration } from '../../core/time.ts';
import { METRICS } from '../evaluation/index.ts';
import type { ModelCard } from './contract.ts';

type Estimate = NonNullable<ModelCard['evaluation']>['metrics'][number]['candidate'];

/** A model card as Markdown, for people and for repositories. A part without a record says "Not recorded." */
export function cardMarkdown(card: ModelCard): string {
  const { status, signature, evaluation } = card;
  return [
    `# ${card.model}, version ${card.version}`,
    `Made from recorded evidence at ${card.generatedAt}. ${missingText(card.missing)}`,
    '## What it is',
    table(
      ['fact', 'recorded'],
      [
        ['aliases', status.aliases.join(', ') || 'none'],
        ['registered', `${status.createdAt} by ${status.createdBy}`],
        ['package', code(status.digest)],
        ['source run', code(status.sourceRunId)],
        ...(status.refitOf === null
          ? []
          : [
              [
                'refit',
                `of version ${status.refitOf}, once more on all rows; gates and evaluation are below`,
              ],
            ]),
      ],
    ),
    '## What it takes and gives',
    signature
      ? table(
          ['column', 'type', 'side'],
          [
            ...signature.inputs.map((i) => [i.name, i.type, i.required ? 'input' : 'optional input']),
            ...signature.outputs.map((o) => [o.name, o.type, 'output']),
          ],
        )
      : notRecorded,
    '## What it was made from',
    dataText(card.data),
    '## How it was trained',
    trainingText(card.training),
    '## How good it is',
    evaluation ? evaluationText(evaluation) : notRecorded,
    '## Gates',
    tableOrNone(
      ['gate', 'verdict', 'reason'],
      card.gates.map((g) => [g.name, g.verdict, g.reason]),
    ),
    '## Approvals',
    tableOrNone(
      ['when', 'who', 'decision', 'reason'],
      card.approvals.map((a) => [a.decidedAt, a.by, a.decision, a.reason]),
    ),
    '## Rollout and history',
    tableOrNone(
      ['when', 'who', 'what', 'reason'],
      card.history.map((h) => [h.at, h.by, h.what, h.reason]),
    ),
    '## How it fares',
    card.monitoring.map(monitoringText).join('\n\n') || notRecorded,
    '',
  ].join('\n\n');
}

const notRecorded = 'Not recorded.';

function dataText({ datasetVersionId, digest, version, holdout }: ModelCard['data']): string {
  if (datasetVersionId === null && digest === null) return notRecorded;
  const range = version?.timeRange ? `${version.timeRange.min} to ${version.timeRange.max}` : 'not recorded';
  const roles =
    version &&
    `time ${version.time ?? 'none'}, entity ${version.entity ?? 'none'}, label ${version.label ?? 'none'}`;
  const judged =
    holdout && `${holdout.what}: ${count(holdout.rows)} rows, ${count(holdout.unlabelledRows)} without label`;
  return table(
    ['fact', 'recorded'],
    [
      [
        'dataset',
        version ? `${version.dataset} version ${version.version}, from ${version.source}` : 'not recorded',
      ],
      ['dataset version', code(datasetVersionId)],
      ['content', code(digest)],
      ['rows', version ? `${count(version.rows)} in ${version.columns} columns` : 'not recorded'],
      ['event time', range],
      ['roles', roles ?? 'not recorded'],
      ['held out from training', judged ?? 'not recorded'],
    ],
  );
}

function trainingText(run: ModelCard['training']): string {
  if (run === null) return notRecorded;
  const took = run.durationMs === null ? 'not recorded' : formatDuration(run.durationMs);
  return [
    table(
      ['fact', 'recorded'],
      [
        ['run', `${run.name} (${code(run.id)}), ${run.status}`],
        ['begun', `${run.startedAt} by ${run.user || 'not recorded'}`],
        ['took', took],
      ],
    ),
    tableOrNone(
      ['parameter', 'value'],
      run.params.map((param) => [param.name, param.value]),
      'No parameter was logged.',
    ),
    tableOrNone(
      ['logged metric', 'last value'],
      run.metrics.map((metric) => [metric.name, String(metric.value)]),
      'No metric was logged.',
    ),
  ].join('\n\n');
}

function evaluationText(evaluation: NonNullable<ModelCard['evaluation']>): string {
  const { rows, positives, threshold, confidence, metrics, segments, calibration } = evaluation;
  const number = (value: number | null) => value?.toFixed(3) ?? 'not defined';
  const parts = [
    `On ${count(rows)} held-out rows, ${count(positives)} of them positive, decisions at ${threshold}; ${Math.round(confidence * 100)} % intervals. Verdict of the gates: ${evaluation.verdict}.`,
    table(
      ['metric', 'this version', 'dummy', 'champion then'],
      metrics.map((m) => [title(m.name), estimate(m.candidate), estimate(m.dummy), estimate(m.champion)]),
    ),
    `Calibration: intercept ${number(calibration.intercept)} (ideal 0), slope ${number(calibration.slope)} (ideal 1). Time for one row, 99 of 100: ${estimate(evaluation.latencyP99Ms)} ms.`,
  ];
  if (segments.length > 0) {
    parts.push(
      table(
        ['segment', 'rows', 'log loss', 'AUC'],
        segments.map((s) => [
          `${s.column} = ${s.value ?? 'missing'}`,
          count(s.rows),
          estimate(s.logLoss),
          estimate(s.auc),
        ]),
      ),
    );
  }
  return parts.join('\n\n');
}

function monitoringText({ endpoint, windows, lastWindow, alerts }: ModelCard['monitoring'][number]): string {
  const drifted = lastWindow && (lastWindow.driftedColumns.join(', ') || 'no column');
  const last = lastWindow
    ? ` The last, ${lastWindow.from} to ${lastWindow.to}: ${count(lastWindow.rows)} predictions, ${count(lastWindow.labelled)} with label; drifted: ${drifted}; score ${lastWindow.scoreDrifted ? 'drifted' : 'steady'}; performance ${lastWindow.performanceVerdict}.`
    : '';
  return [
    `Endpoint ${endpoint}: ${count(windows)} windows closed.${last}`,
    tableOrNone(
      ['alert', 'of', 'severity', 'opened', 'ended', 'reason'],
      alerts.map((a) => [
        a.kind,
        a.subject,
        a.severity,
        a.openedAt ?? 'not recorded',
        a.open ? 'still open' : (a.resolvedAt ?? 'not recorded'),
        a.reason,
      ]),
      'No alert.',
    ),
  ].join('\n\n');
}

function estimate(value: Estimate | null): string {
  if (!value || value.value === null) return '–';
  const number = (x: number) => x.toFixed(4);
  if (value.low === null || value.high === null) return number(value.value);
  return `${number(value.value)} (${number(value.low)} to ${number(value.high)})`;
}

function missingText(missing: readonly string[]): string {
  return missing.length === 0 ? 'Nothing is missing.' : `Not recorded: ${missing.join(', ')}.`;
}

function code(value: string | null): string {
  return value === null ? 'not recorded' : `\`${value}\``;
}

function title(metric: string): string {
  return Object.entries(METRICS).find(([name]) => name === metric)?.[1].title ?? metric;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function tableOrNone(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  otherwise = notRecorded,
): string {
  return rows.length === 0 ? otherwise : table(head, rows);
}

/** A Markdown table; pipes and line breaks in cells are escaped. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
