import type { LimitSpec } from './limit.ts';

/** From a process to the one that keeps the counts. */
export interface LimitUse {
  readonly type: 'limit-use';
  readonly spec: LimitSpec;
  /** Units that it wants now; 0: it only tells. */
  readonly wanted: number;
  /** Units of a rate that were used since the last message. */
  readonly spent: number;
  /** Units that it has no more and that are free again. */
  readonly returned: number;
  /** The answer to a recall: it holds nothing that is not in use. */
  readonly recalled: boolean;
}

/** From the one that keeps the counts to a process. */
export type LimitAnswer =
  | {
      readonly type: 'limit-granted';
      readonly name: string;
      readonly units: number;
      /** Whether units that are free again stay with the process until they are recalled. */
      readonly keep: boolean;
      /** Where fewer were granted than were wanted: when there may be more. */
      readonly waitMs: number;
    }
  | { readonly type: 'limit-recall'; readonly name: string };
