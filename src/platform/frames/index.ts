export {
  type FrameColumns,
  type FrameRow,
  Frames,
  type FramesOptions,
  sqlLiteral,
  sqlName,
} from './frames.ts';
export type { FrameParameter } from './protocol.ts';
