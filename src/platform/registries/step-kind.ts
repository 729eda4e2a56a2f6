import type { z } from 'zod';
import type { DirectoryBlobStore } from '../blobs/index.ts';
import type { Frames } from '../frames/index.ts';

/** Where a step runs: in a worker process, perhaps on another machine, or in control itself. */
export type StepPlace = 'work' | 'control';

/** Blobs as a step sees them; `path` gives a local, read-only copy wherever the step runs. */
export type StepBlobs = Pick<DirectoryBlobStore, 'put' | 'get' | 'bytes' | 'path'>;

/** What a step may use while it runs. */
export interface StepContext {
  readonly stepRunId: string;
  /** 1 for the first; an attempt after a crash finds nothing of an earlier one. */
  readonly attempt: number;
  /** What the step works on, e.g. `flight-delay/3`. */
  readonly subject: string;
  /** Aborted when the step is cancelled, takes too long, or has lost its lease. */
  readonly signal: AbortSignal;
  /** An empty directory of this attempt's own, removed afterwards. */
  readonly workDir: string;
  readonly blobs: StepBlobs;
  readonly frames: Frames;
  /** Names this attempt at the API of control (`Authorization: Bearer …`). */
  readonly token: string;
  readonly controlUrl: string;
  /** Adds a line to the step's log. */
  log(line: string, stream?: 'stdout' | 'stderr' | 'system'): void;
}

/**
 * A kind of step: what goes in, what comes out, and how it is done. `run` may be called again after a crash
 * with the same inputs, so what it changes outside must bear that; its outputs are recorded once.
 * To end for good without another attempt, throw a `MillraceError`; any other error is tried again.
 */
export interface StepKind<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  /** `train`, `evaluate`, ... */
  readonly kind: string;
  readonly place: StepPlace;
  readonly inputs: In;
  readonly outputs: Out;
  /** An attempt that runs longer is stopped. Default 1 h. */
  readonly timeoutMs?: number;
  run(inputs: z.output<In>, context: StepContext): Promise<z.input<Out>>;
}

/** Declares a step kind with its types checked. */
export function defineStepKind<In extends z.ZodType, Out extends z.ZodType>(
  kind: StepKind<In, Out>,
): StepKind<In, Out> {
  return kind;
}
