import { StateMark } from '../../kit/state-mark.tsx';
import type { PlanStep } from '../prepare/step-plan.ts';

const DOT: Readonly<Record<PlanStep['state'], string>> = {
  done: 'border-good bg-good',
  now: 'border-info bg-surface',
  ahead: 'border-line-strong bg-surface',
  stopped: '',
};

/** The steps of a rollout the size of a line of text: which are done, how far the present one is, where it stopped. */
export function StepDots(props: { readonly steps: readonly PlanStep[] }) {
  const { steps } = props;
  const told = steps.find((step) => step.state === 'now' || step.state === 'stopped') ?? steps.at(-1);
  return (
    <span
      role="img"
      aria-label={`Steps: ${steps.map((step) => `${step.label} ${WORD[step.state]}`).join(', ')}`}
      className="flex items-center gap-2"
    >
      <span className="flex min-w-0 flex-1 items-center">
        {steps.map((step, index) => (
          <span key={step.key} className={`flex items-center ${index === steps.length - 1 ? '' : 'flex-1'}`}>
            {step.end ? (
              <StateMark state={step.end} label="" />
            ) : (
              <span className={`size-2 shrink-0 rounded-full border-2 ${DOT[step.state]}`} />
            )}
            {index < steps.length - 1 && (
              <span className="relative h-0.5 flex-1 bg-line-strong">
                <span
                  className={`absolute inset-y-0 left-0 ${step.state === 'done' ? 'bg-good' : 'bg-info'}`}
                  style={{ width: `${step.state === 'stopped' ? 0 : step.progress * 100}%` }}
                />
              </span>
            )}
          </span>
        ))}
      </span>
      <span className="w-14 shrink-0 text-label text-muted">{told?.label}</span>
    </span>
  );
}

const WORD: Readonly<Record<PlanStep['state'], string>> = {
  done: 'done',
  now: 'now',
  ahead: 'ahead',
  stopped: 'stopped here',
};
