export {
  type FrameColumns,
  type FrameRow,
  Frames,
  type FramesOptions,
  framesReason,
  sqlLiteral,
  sqlName,
} from './frames.ts';
export { numbersJson, packedList, shortestPacked, unpacked, unpackedSql } from './packed-lists.ts';
export type { FrameParameter } from './protocol.ts';
export { doubleSchema, typedRows } from './typed-rows.ts';
