import type { State } from '../charts/prepare/wheel.ts';

const INK: Readonly<Record<State, string>> = {
  good: 'text-good',
  watch: 'text-watch',
  bad: 'text-bad',
  none: 'text-faint',
  running: 'text-info',
};

const WORD: Readonly<Record<State, string>> = {
  good: 'Good',
  watch: 'Watch',
  bad: 'Act',
  none: 'None',
  running: 'Running',
};

/** State as shape and colour; an empty label means that a word beside it says the same. Circle good, triangle watch, square bad, ring none, half circle running. */
export function StateMark(props: { readonly state: State; readonly size?: number; readonly label?: string }) {
  const { state, size = 10, label } = props;
  return (
    <span
      className={`inline-flex shrink-0 ${INK[state]}`}
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label ?? WORD[state] })}
    >
      <svg width={size} height={size} viewBox="0 0 10 10" aria-hidden="true">
        {state === 'good' && <circle cx="5" cy="5" r="4" fill="currentColor" />}
        {state === 'watch' && <path d="M5 .8 9.6 9H.4Z" fill="currentColor" />}
        {state === 'bad' && <rect x="1" y="1" width="8" height="8" rx="1" fill="currentColor" />}
        {state === 'none' && (
          <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.4" />
        )}
        {state === 'running' && (
          <>
            <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.4" />
            <path d="M5 1.6a3.4 3.4 0 0 0 0 6.8Z" fill="currentColor" />
          </>
        )}
      </svg>
    </span>
  );
}

/** A state with its word, as used in tables and headers. */
export function StateLabel(props: { readonly state: State; readonly children: React.ReactNode }) {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <StateMark state={props.state} label="" />
      {props.children}
    </span>
  );
}
