import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Loop, TurnState, TurnSummary } from '../../../../src/loop/contract.ts';
import { STAGES, type Stage, type State, type WheelStates, worstState } from './wheel.ts';

export type WheelView = { readonly states: WheelStates; readonly notes: Readonly<Record<Stage, string>> };

/** Which blade a turn is on in each of its states. */
const STAGE_OF: Readonly<Record<TurnState, Stage>> = {
  preparing: 'experiment',
  training: 'experiment',
  packaging: 'experiment',
  evaluating: 'evaluate',
  gating: 'evaluate',
  'awaiting-approval': 'evaluate',
  refitting: 'evaluate',
  shadow: 'deploy',
  canary: 'monitor',
  promoting: 'learn',
  promoted: 'learn',
  rejected: 'evaluate',
  'rolled-back': 'monitor',
  failed: 'experiment',
  cancelled: 'experiment',
};

/** One go round the circle: blades before the present one are done, the present one runs or shows how it ended. */
export function wheelOfTurn(turn: Pick<TurnSummary, 'state'>, failedIn?: TurnState): WheelView {
  const { state } = turn;
  const at = STAGES.indexOf(STAGE_OF[state === 'failed' && failedIn ? failedIn : state]);
  const own: State =
    state === 'promoted'
      ? 'good'
      : state === 'failed' || state === 'rolled-back' || state === 'rejected'
        ? 'bad'
        : state === 'cancelled' || state === 'awaiting-approval'
          ? 'watch'
          : 'running';
  const states = record((_stage, index) => (index < at ? 'good' : index > at ? 'none' : own));
  const notes = record((_stage, index) =>
    index < at ? 'done' : index > at ? 'not reached' : `${state}`.replaceAll('-', ' '),
  );
  return { states, notes };
}

/**
 * Whether an alert is about a version that has traffic, or about the endpoint whatever answers; what a replaced version
 * did is history.
 */
export function concernsNow(alert: Alert, loop: Loop): boolean {
  const serving = [loop.championVersion, loop.activeTurn?.challengerVersion ?? null];
  return (
    alert.endpoint === loop.endpoint &&
    (alert.modelVersion === '' ||
      serving.some((version) => version !== null && String(version) === alert.modelVersion))
  );
}

/** The whole circle of a loop: what runs, what is well, what asks for a look. */
export function wheelOfLoop(loop: Loop, alerts: readonly Alert[], watched: boolean): WheelView {
  const { activeTurn, lastTurn, championVersion } = loop;
  const open = alerts.filter((alert) => alert.state === 'open' && concernsNow(alert, loop));
  const active = activeTurn ? STAGE_OF[activeTurn.state] : null;
  const failed = !activeTurn && lastTurn?.state === 'failed';
  const lives = championVersion !== null;
  const base: Record<Stage, readonly [State, string]> = {
    experiment: failed
      ? ['bad', lastTurn.reason]
      : lives
        ? ['good', `trained v${championVersion}`]
        : ['none', 'nothing trained yet'],
    evaluate:
      activeTurn?.state === 'awaiting-approval'
        ? ['watch', 'waits for an approval']
        : lives
          ? [
              'good',
              lastTurn?.state === 'rejected'
                ? 'refused the last candidate'
                : `v${championVersion} passed its gates`,
            ]
          : ['none', 'nothing judged yet'],
    deploy: lives ? ['good', `v${championVersion} is champion`] : ['none', 'nothing deployed yet'],
    monitor:
      open.length > 0
        ? [
            worstState(open.map((alert) => alert.severity)),
            `${open[0]?.reason}${open.length > 1 ? `, and ${open.length - 1} more` : ''}`,
          ]
        : watched
          ? ['good', 'no open alert']
          : ['none', 'no window closed yet'],
    learn:
      loop.state === 'paused'
        ? ['watch', 'paused']
        : lastTurn
          ? [
              lastTurn.state === 'failed' || lastTurn.state === 'cancelled' ? 'watch' : 'good',
              `turn ${lastTurn.number}: ${lastTurn.state.replaceAll('-', ' ')}`,
            ]
          : ['none', 'nothing learnt yet'],
  };
  const states = record((stage) =>
    stage === active && base[stage][0] !== 'watch' && base[stage][0] !== 'bad' ? 'running' : base[stage][0],
  );
  const notes = record((stage) => {
    if (stage !== active || !activeTurn) return base[stage][1];
    if (activeTurn.state === 'awaiting-approval') return `${base[stage][1]}: ${activeTurn.reason}`;
    const now = `${activeTurn.state.replaceAll('-', ' ')}: ${activeTurn.reason}`;
    return states[stage] === 'running' ? now : `${base[stage][1]}; ${now}`;
  });
  return { states, notes };
}

function record<T>(of: (stage: Stage, index: number) => T): Record<Stage, T> {
  return Object.fromEntries(STAGES.map((stage, index) => [stage, of(stage, index)])) as Record<Stage, T>;
}
