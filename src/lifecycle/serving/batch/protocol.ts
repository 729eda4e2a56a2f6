import type { PythonHostOptions } from '../../../platform/python-runtime/index.ts';
import type { BatchInputs, BatchLogPolicy, StagedInput } from './contract.ts';

/** What a process needs to run models as Python, as it can be sent to it. */
export type PythonSettings = Omit<PythonHostOptions, 'logger'>;

/** A CSV file as Parquet, on this machine. */
export type StagedFile = Omit<StagedInput, 'digest'> & { readonly path: string };

/** What the step and the process that scores its rows say to each other. */
export interface BatchTask {
  readonly type: 'task';
  readonly batchId: string;
  readonly inputs: BatchInputs;
  /** Local copies of the input's files, in order; none are needed where it is staged. */
  readonly sourcePaths: readonly string[];
  /** The input as an earlier attempt has read it from CSV. */
  readonly staged: StagedFile | null;
  /** Local copies of the package's blobs by digest. */
  readonly blobPaths: Readonly<Record<string, string>>;
  readonly workDir: string;
  readonly memoryLimit: string;
  readonly threads: number;
  readonly partRows: number;
  /** How models run that are Python; null: they cannot. */
  readonly python: PythonSettings | null;
  /** Parts and rows that an earlier attempt finished. */
  readonly doneParts: number;
  readonly doneRows: number;
  /** What of the rows may be logged; null: they are not. */
  readonly logPolicy: BatchLogPolicy | null;
}

/** The parts are all there: make one file of them. */
interface BatchMerge {
  readonly type: 'merge';
  readonly paths: readonly string[];
}

export type ToBatchProcess = BatchTask | BatchMerge | { readonly type: 'kept' };

export type FromBatchProcess =
  | {
      readonly type: 'part';
      readonly part: number;
      readonly rows: number;
      readonly failedRows: number;
      readonly totalRows: number;
      readonly path: string;
      readonly log: {
        readonly path: string;
        readonly minEventTimeMs: number;
        readonly maxEventTimeMs: number;
      } | null;
    }
  /** The input has been read from CSV; as a part, it is waited for until it is kept. */
  | ({ readonly type: 'staged' } & StagedFile)
  /** Every row has its part. */
  | { readonly type: 'scored'; readonly totalRows: number }
  | { readonly type: 'merged'; readonly path: string }
  | { readonly type: 'failed'; readonly code: string; readonly params: Readonly<Record<string, unknown>> }
  | { readonly type: 'broken'; readonly message: string };
