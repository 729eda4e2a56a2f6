export type { SegmentFrames } from './convert-lines.ts';
export { DiskBudget } from './disk-budget.ts';
export { RecordConverter } from './record-converter.ts';
export { RowBytes, valuesOf } from './row-bytes.ts';
export type { Durability, SegmentColumn } from './segment-file.ts';
export { SegmentLog, type SegmentLogOptions } from './segment-log.ts';
export type { DamagedSegment, SealedSegment } from './shipping.ts';
export { SegmentTail } from './tail.ts';
