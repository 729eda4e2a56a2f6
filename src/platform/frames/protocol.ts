/** What the frames port and its child process say to each other. */
export type FrameParameter = string | number | boolean | bigint | null;

export type FramesRequest =
  | {
      readonly id: number;
      readonly type: 'query';
      readonly sql: string;
      readonly parameters: readonly FrameParameter[];
    }
  | { readonly id: number; readonly type: 'cancel'; readonly target: number };

export type FramesReply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly names: readonly string[];
      readonly columns: readonly (readonly unknown[])[];
    }
  | { readonly id: number; readonly ok: false; readonly problem: string };
