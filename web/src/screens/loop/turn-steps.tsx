import { Link } from '@tanstack/react-router';
import type { Turn } from '../../../../src/loop/contract.ts';
import { formatCount, formatDuration } from '../../kit/format.ts';
import { GateList } from '../../kit/gate-list.tsx';
import { Card } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { stateOfStep, stepWord } from '../../kit/step-text.ts';

/** What passed its gates was trained once more: which version was judged, which goes out, and that it is not broken. */
export function RefitCard(props: { readonly turn: Turn; readonly refit: NonNullable<Turn['refit']> }) {
  const { turn, refit } = props;
  return (
    <Card title="Trained again on all rows">
      <p className="pb-3 text-muted">
        <Link
          to="/models/$model/versions/$version"
          params={{ model: turn.model, version: String(refit.judgedVersion) }}
          className="text-accent"
        >
          v{refit.judgedVersion}
        </Link>{' '}
        passed the gates above. {turn.challengerVersion === null ? 'The model' : `v${turn.challengerVersion}`}{' '}
        is the same training on all {formatCount(refit.rows)} rows, those it was judged on among them, so
        these checks can show only that it is broken.
      </p>
      <GateList gates={refit.checks} />
    </Card>
  );
}

/** Steps that a refit repeats; they come after those of what was judged. */
const REPEATED: ReadonlySet<string> = new Set(['train', 'package', 'evaluate']);

export function StepRows(props: { readonly turn: Turn }) {
  const { steps, refit } = props.turn;
  const isRefit = (index: number): boolean => {
    const kind = steps[index]?.kind ?? '';
    const before = steps.slice(0, index);
    return (
      refit !== null &&
      REPEATED.has(kind) &&
      before.some((step) => step.kind === kind && step.status === 'succeeded')
    );
  };
  return (
    <ul>
      {steps.map((step, index) => (
        <li key={step.stepRunId}>
          <Link
            to="/turns/$turnId"
            params={{ turnId: props.turn.id }}
            search={{ step: step.stepRunId }}
            className="flex items-center gap-3 border-line border-t px-4 py-1.5 hover:bg-sunken"
          >
            <StateLabel state={stateOfStep(step.status)}>{stepWord(step.kind)}</StateLabel>
            <span className="min-w-0 flex-1 truncate text-label text-muted">
              {step.error ??
                [
                  ...(isRefit(index) ? ['again, on all rows'] : []),
                  ...(step.attempts > 1 ? [`${step.attempts} attempts`] : []),
                ].join(', ')}
            </span>
            <span className="text-muted">
              {step.startedAt && step.finishedAt
                ? formatDuration(Date.parse(step.finishedAt) - Date.parse(step.startedAt))
                : step.status}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
