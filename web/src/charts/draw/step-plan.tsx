import { Check } from 'lucide-react';
import { StateMark } from '../../kit/state-mark.tsx';
import type { PlanStep } from '../prepare/step-plan.ts';

const RING: Readonly<Record<PlanStep['state'], string>> = {
  done: 'border-good bg-good text-on-accent',
  now: 'border-info text-info',
  ahead: 'border-line-strong text-faint',
  stopped: 'border-transparent',
};

/** The steps of a rollout from left to right: done, now with its progress, ahead. */
export function StepPlan(props: { readonly steps: readonly PlanStep[] }) {
  return (
    <ol className="flex items-start">
      {props.steps.map((step, index) => (
        <li
          key={step.key}
          className="flex min-w-0 flex-1 flex-col gap-1.5"
          aria-current={step.state === 'now' ? 'step' : undefined}
        >
          <div className="flex items-center">
            <span
              className={`inline-flex size-5 shrink-0 items-center justify-center rounded-full border-2 ${RING[step.state]}`}
            >
              {step.state === 'done' && <Check size={12} strokeWidth={3} aria-label="done" />}
              {step.end && <StateMark state={step.end} size={16} label="stopped here" />}
              {step.state === 'now' && <span className="size-2 rounded-full bg-info" />}
            </span>
            {index < props.steps.length - 1 && (
              <span className="relative mx-1 h-0.5 flex-1 bg-line-strong">
                <span
                  className={`absolute inset-y-0 left-0 ${step.state === 'done' ? 'bg-good' : 'bg-info'}`}
                  style={{ width: `${step.state === 'stopped' ? 0 : step.progress * 100}%` }}
                />
              </span>
            )}
          </div>
          <div className="pr-2">
            <div
              className={`whitespace-nowrap ${step.state === 'ahead' ? 'text-faint' : step.state === 'now' ? 'font-strong' : ''}`}
            >
              {step.label}
            </div>
            {step.note && <div className="text-label text-muted">{step.note}</div>}
          </div>
        </li>
      ))}
    </ol>
  );
}
