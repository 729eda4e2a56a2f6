export type { ColumnData, ColumnType } from './column-data.ts';
export { type ParquetColumn, ParquetFile } from './parquet-file.ts';
