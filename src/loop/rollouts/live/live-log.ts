import type { Arrived } from '../../../lifecycle/feedback/index.ts';
import type { FrameColumns } from '../../../platform/frames/index.ts';

/** A file of the log: `sql` is a relation with all its columns. */
export interface LiveFile {
  readonly id: string;
  readonly sql: string;
  /** The replica that wrote it; left out for labels, and where that is not known. */
  readonly replica?: string;
}

/** The prediction log and its labels as they come in. */
export interface LiveLog {
  /** Tells of rows and labels of the endpoints that are followed. Returns how to stop that. */
  listen(listener: (arrived: Arrived) => void): () => void;
  /** Has replicas send rows of these endpoints as they are written, and those of no others. */
  follow(endpoints: readonly string[]): void;
  /** What the log has of an endpoint, oldest first. */
  files(
    endpoint: string,
  ): Promise<{ readonly rows: readonly LiveFile[]; readonly labels: readonly LiveFile[] }>;
  columns(sql: string): Promise<FrameColumns>;
}
