import type { ModelCard } from './contract.ts';

type Estimate = NonNullable<ModelCard['evaluation']>['metrics'][number]['candidate'];

/** A model card as Markdown, for people and for repositories. */
export function cardMarkdown(card: ModelCard): string {
  const { status, data, signature, evaluation } = card;
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
        ['training data', `${code(data.datasetVersionId)}, content ${code(data.digest)}`],
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
      : 'Not recorded.',
    '## How good it is',
    evaluation ? evaluationText(evaluation) : 'Not recorded.',
    '## Gates',
    card.gates.length > 0
      ? table(
          ['gate', 'verdict', 'reason'],
          card.gates.map((g) => [g.name, g.verdict, g.reason]),
        )
      : 'Not recorded.',
    '## Approvals',
    card.approvals.length > 0
      ? table(
          ['when', 'who', 'decision', 'reason'],
          card.approvals.map((a) => [a.decidedAt, a.by, a.decision, a.reason]),
        )
      : 'Not recorded.',
    '## History',
    card.history.length > 0
      ? table(
          ['when', 'who', 'what', 'reason'],
          card.history.map((h) => [h.at, h.by, h.what, h.reason]),
        )
      : 'Not recorded.',
  ].join('\n\n');
}

function evaluationText(evaluation: NonNullable<ModelCard['evaluation']>): string {
  const { rows, positives, threshold, metrics, segments } = evaluation;
  const parts = [
    `On ${rows.toLocaleString('en-US')} held-out rows, ${positives.toLocaleString('en-US')} of them positive, decisions at ${threshold}; 95 % intervals.`,
    table(
      ['metric', 'this version', 'dummy', 'champion then'],
      metrics.map((m) => [m.name, estimate(m.candidate), estimate(m.dummy), estimate(m.champion)]),
    ),
  ];
  if (segments.length > 0) {
    parts.push(
      table(
        ['segment', 'rows', 'log loss', 'AUC'],
        segments.map((s) => [
          `${s.column} = ${s.value ?? 'missing'}`,
          s.rows.toLocaleString('en-US'),
          estimate(s.logLoss),
          estimate(s.auc),
        ]),
      ),
    );
  }
  return parts.join('\n\n');
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

/** A Markdown table; pipes and line breaks in cells are escaped. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
