import { prepareWheel, STAGES, type Stage, type State, type WheelStates } from '../charts/prepare/wheel.ts';

const INK: Readonly<Record<State, string>> = {
  good: 'fill-good',
  watch: 'fill-watch',
  bad: 'fill-bad',
  none: 'fill-line-strong',
  running: 'fill-info',
};

const WORD: Readonly<Record<State, string>> = {
  good: 'well',
  watch: 'look',
  bad: 'act',
  none: 'nothing yet',
  running: 'running',
};

export const QUIET_WHEEL: WheelStates = {
  experiment: 'none',
  evaluate: 'none',
  deploy: 'none',
  monitor: 'none',
  learn: 'none',
};

/** The mark: five blades coloured and shaped by their stage's state. `notes` become the spoken description. */
export function Wheel(props: {
  readonly states: WheelStates;
  readonly size?: number;
  readonly notes?: Partial<Readonly<Record<Stage, string>>>;
  readonly plain?: boolean;
}) {
  const { states, size = 20, notes, plain = false } = props;
  const words = STAGES.map((stage) => `${stage}: ${notes?.[stage] ?? WORD[states[stage]]}`).join('; ');
  return (
    <svg
      width={size}
      height={size}
      viewBox={`0 0 ${size} ${size}`}
      className="shrink-0 overflow-visible"
      role="img"
      aria-label={plain ? 'Millrace' : words}
    >
      {prepareWheel(states, size).map((blade) => (
        <g
          key={blade.stage}
          data-tip={plain ? undefined : `${title(blade.stage)}: ${notes?.[blade.stage] ?? WORD[blade.state]}`}
        >
          {blade.rest !== '' && <path d={blade.rest} className={`${INK[blade.state]} opacity-45`} />}
          <path d={blade.path} className={plain ? 'fill-accent' : INK[blade.state]} />
        </g>
      ))}
    </svg>
  );
}

const title = (stage: Stage): string => stage[0]?.toUpperCase() + stage.slice(1);
