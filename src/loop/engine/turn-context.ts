import type { StepRun } from '../../lifecycle/pipelines/index.ts';
import type { CodeFile, LoopFile, Overrides, PendingWork, Trigger, TurnState } from '../contract.ts';
import type { LoopPorts, PackagedVersion } from '../ports.ts';
import type { RolloutWatch } from '../rollouts/live/rollout-watch.ts';
import type { TurnData } from '../turn-data.ts';

/** A turn as its state's handler sees it. Handlers read and decide; the engine writes. */
export interface TurnContext {
  readonly id: string;
  readonly loop: string;
  readonly number: number;
  /** `<loop>/<number>`: the subject of steps, events and audit entries. */
  readonly subject: string;
  readonly state: TurnState;
  readonly endpoint: string;
  readonly model: string;
  readonly file: LoopFile;
  readonly codeFiles: readonly CodeFile[];
  /** The registered version of `data.source`. */
  readonly sourceVersionId: string;
  /** Why the turn began; the overrides are a person's. */
  readonly trigger: Trigger;
  readonly overrides: Overrides;
  readonly data: TurnData;
  readonly challengerVersion: number | null;
  readonly championVersion: number | null;
  readonly startedEventMs: number | null;
  readonly nowMs: number;
  /** Event time up to which everything is known; undefined before a replay has begun. */
  readonly watermarkMs: number | undefined;
  /** True when event time follows the wall clock. */
  readonly live: boolean;
  /** True while somebody has paused the loop: harm is still acted on, nothing else moves. */
  readonly paused: boolean;
  readonly ports: LoopPorts;
  /** What comes in for the rollout. */
  readonly watch: Pick<RolloutWatch, 'observation' | 'noteReading'>;
  /** The newest step of a role since the turn was last retried. */
  step(role: string): Promise<StepRun | undefined>;
  /** The champion that the turn began with. */
  champion(): Promise<PackagedVersion | undefined>;
  /** Why the loop does not begin a version once more by itself, as a clause; null: nothing speaks against it. */
  refusedBefore(version: number): Promise<string | null>;
  /** The version whose gates made that champion: itself, or the one that it was refitted from. */
  judgedChampion(): Promise<PackagedVersion | undefined>;
}

/**
 * What is changed outside of the turn together with it: traffic, aliases, alerts. Done just before the change is written,
 * while nothing else acts on the loop, and only if the turn is still as the decision found it. Done again after a crash
 * it finds things so already. Returns what else is known of the turn then.
 */
type Act = () => Promise<Partial<TurnData> | undefined>;

/** What to do about a turn now. */
export type Decision =
  /** Nothing can be done until something happens. `pending`: work of ours is still under way. */
  | { readonly do: 'wait'; readonly what: string; readonly pending?: PendingWork }
  | {
      readonly do: 'start';
      readonly role: string;
      readonly kind: string;
      readonly inputs: unknown;
      readonly timeoutMs?: number;
      readonly act?: Act;
    }
  | {
      readonly do: 'move';
      readonly to: TurnState;
      readonly reason: string;
      readonly evidence?: Readonly<Record<string, unknown>>;
      readonly change?: Partial<TurnData>;
      readonly challengerVersion?: number;
      readonly act?: Act;
    }
  /** The state stays, what is known of it changes. `decides`: the turn went on within its state. */
  | {
      readonly do: 'note';
      readonly change: Partial<TurnData>;
      readonly reason: string;
      readonly decides: boolean;
      readonly evidence?: Readonly<Record<string, unknown>>;
      readonly act?: Act;
    }
  | {
      readonly do: 'fail';
      readonly code: string;
      readonly message: string;
      readonly stepRunId: string | null;
    };

/** What is done in a state: reads what is the case and decides; asked again after a crash it decides the same. */
export type StateHandler = (turn: TurnContext) => Promise<Decision>;

/** What a step's end means: its outputs, or the decision that follows from not having them. */
type StepEnd =
  | { readonly done: true; readonly outputs: Readonly<Record<string, unknown>>; readonly id: string }
  | { readonly done: false; readonly decision: Decision };

/** Starts a step of a role if the turn has none yet, waits for it, and passes on how it ended. */
export async function runStep(
  turn: TurnContext,
  role: string,
  kind: string,
  inputs: () => unknown | Promise<unknown>,
  timeoutMs?: number,
): Promise<StepEnd> {
  const step = await turn.step(role);
  if (!step) {
    const start = { do: 'start', role, kind, inputs: await inputs() } as const;
    return { done: false, decision: timeoutMs === undefined ? start : { ...start, timeoutMs } };
  }
  if (step.status === 'succeeded') return { done: true, outputs: step.outputs ?? {}, id: step.id };
  if (step.status === 'queued' || step.status === 'running') {
    const what = `the ${kind} step to end`;
    return {
      done: false,
      decision: { do: 'wait', what, pending: { kind: 'step', what: `${kind} ${step.id}` } },
    };
  }
  const { code, message } = step.error ?? {
    code: 'internal',
    message: `the ${kind} step was ${step.status}`,
  };
  return { done: false, decision: { do: 'fail', code, message, stepRunId: step.id } };
}
