import type { Tensor } from 'onnxruntime-node';
import type { TreeModel } from './trees/tree-session.ts';

/** What a session's thread is asked; answers carry the same id. */
export type SessionRequest =
  | { readonly id: number; readonly kind: 'load'; readonly onnx: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly kind: 'run'; readonly feeds: readonly NamedTensor[] }
  | {
      readonly id: number;
      /** Runs it again and again; answered with the shortest time and what the last one gave. */
      readonly kind: 'measure';
      readonly feeds: readonly NamedTensor[];
      readonly until: MeasuredUntil;
    }
  | { readonly id: number; readonly kind: 'trees' }
  | { readonly id: number; readonly kind: 'close' };

/** When a measurement ends. */
export interface MeasuredUntil {
  /** After so many runs, */
  readonly runs: number;
  /** which take so long together, all as long as the shortest; */
  readonly steadyMs: number;
  /** before that when they took longer than this. */
  readonly mostMs: number;
}

/** A tensor as it travels between threads. */
export interface NamedTensor {
  readonly name: string;
  readonly type: Tensor.Type;
  readonly data: Tensor.DataType;
  readonly dims: readonly number[];
}

export type SessionReply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly elapsedMs: number;
      readonly outputs: readonly NamedTensor[];
      /** The answer to `trees`. */
      readonly trees?: TreeModel | undefined;
    }
  | { readonly id: number; readonly ok: false; readonly problem: string };
