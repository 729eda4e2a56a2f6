import type { Readable } from 'node:stream';
import type { TransferExperiment, TransferModel, TransferRegisteredModel, TransferRun } from '../contract.ts';

/** Something of a source with a mark that changes when the source changes it. */
export interface Marked<T> {
  readonly item: T;
  readonly mark: string;
}

/** All points of one metric of a run, in any order; NaN stands in `values` as it is. */
export interface MetricColumns {
  readonly key: string;
  readonly steps: number[];
  readonly timesMs: number[];
  readonly values: number[];
}

/** The files below one artifact root. */
export interface SourceFiles {
  /** Paths with forward slashes, relative to the root. */
  list(): AsyncIterable<string>;
  /** The bytes of a file, as a stream. */
  open(path: string): Promise<Readable>;
}

/** Whose files: the run or logged model, and where the source says that they lie. */
export interface SourceOwner {
  readonly kind: 'run' | 'logged-model';
  readonly id: string;
  readonly artifactUri: string;
}

/**
 * Something that experiments and models can be brought in from. Each method reads anew, so an import that was cut off
 * reads the source again and skips what is there already.
 */
export interface TransferSource {
  /** Where it is, without credentials; the same source has the same name each time. */
  readonly name: string;
  /** How many runs are read at the same time. */
  readonly concurrency: number;
  experiments(): AsyncIterable<TransferExperiment>;
  /** Runs of an experiment in any stage, in an order that stays. */
  runs(experimentId: string): AsyncIterable<Marked<TransferRun>>;
  metrics(run: TransferRun): AsyncIterable<MetricColumns>;
  models(experimentId: string): AsyncIterable<Marked<TransferModel>>;
  /** Null where the source cannot read the files itself; they then stay where they are. */
  files(owner: SourceOwner): Promise<SourceFiles | null>;
  registeredModels(): AsyncIterable<TransferRegisteredModel>;
  close(): Promise<void>;
}
