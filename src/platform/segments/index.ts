export { DiskBudget } from './disk-budget.ts';
export type { SegmentFrames } from './parquet.ts';
export type { Durability, SegmentColumn } from './segment-file.ts';
export { SegmentLog, type SegmentLogOptions } from './segment-log.ts';
export type { DamagedSegment, SealedSegment } from './shipping.ts';
export { SegmentTail } from './tail.ts';
