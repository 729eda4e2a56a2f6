import type { StepRun, StepStatus } from '../../../src/lifecycle/pipelines/contract.ts';
import type { State } from '../charts/prepare/wheel.ts';
import { formatBytes, formatCount, formatDuration, plural } from './format.ts';

const STATES: Readonly<Record<StepStatus, State>> = {
  queued: 'none',
  running: 'running',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'none',
};

export const stateOfStep = (status: StepStatus): State => STATES[status] ?? 'none';

/** The kinds of steps in the order of a turn, then those beside it. A server may run others too. */
export const stepKinds: readonly string[] = [
  ...['label-join', 'prepare-data', 'train', 'package', 'evaluate', 'deploy'],
  ...['monitor', 'batch-predict', 'replay'],
];

/** A kind as words: `prepare-data` is "prepare data", also of a kind that is not known here. */
export const stepWord = (kind: string): string => kind.replaceAll('-', ' ');

const WINDOWS: ReadonlySet<string> = new Set(['closed', 'matured', 'revised']);
const MOST_OUTPUTS = 4;

/** The error, or what the outputs count, with their units; zeros, and how long it took, say nothing here. */
export function stepSays(step: Pick<StepRun, 'error' | 'outputs' | 'attempts'>): string {
  if (step.error) return step.error.message;
  const outputs = Object.entries(step.outputs ?? {}).flatMap(([name, value]) =>
    typeof value === 'number' && value !== 0 && name !== 'durationMs' ? [outputText(name, value)] : [],
  );
  const attempts = step.attempts > 1 ? [`${step.attempts} attempts`] : [];
  return [...attempts, ...outputs.slice(0, MOST_OUTPUTS)].join(', ');
}

/** One output as people write it: the unit is in its name. */
function outputText(name: string, value: number): string {
  const [, of = name, unit] = /^(\w+?)(Bytes|Ms)$/.exec(name) ?? [];
  if (unit === 'Bytes') return of === 'size' ? formatBytes(value) : `${formatBytes(value)} ${spaced(of)}`;
  if (unit === 'Ms') return `${spaced(of)} ${formatDuration(value)}`;
  if (WINDOWS.has(name)) return `${plural(value, 'window')} ${name}`;
  if (/Version$/.test(name) || !Number.isInteger(value)) return `${spaced(name)} ${value}`;
  return `${formatCount(value)} ${spaced(name)}`;
}

/** `alertsOpened` as people write it. */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
