/** What may stand for a `?` of a query. */
export type FrameParameter = string | number | boolean | bigint | null;

/** What the child process is asked: a query, or to stop the one under way (`target`). */
export type FramesRequest =
  | {
      readonly id: number;
      readonly type: 'query';
      readonly sql: string;
      readonly parameters: readonly FrameParameter[];
    }
  | { readonly id: number; readonly type: 'cancel'; readonly target: number };

/** What it answers to the request of the same id: columns in the order of their names, or DuckDB's message. */
export type FramesReply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly names: readonly string[];
      readonly columns: readonly (readonly unknown[])[];
    }
  | { readonly id: number; readonly ok: false; readonly problem: string };
