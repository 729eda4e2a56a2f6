/**
 * How rows lie in a segment's file, behind its header line: `lines` of JSON, which people can read, or `records` (blocks
 * of values, see RowBytes), which cost less.
 */
export type SegmentForm = 'lines' | 'records';

/** Ends of a segment's names: rows are being added; complete; set aside, because it is damaged. */
export const suffixes = {
  lines: { open: '.open.ndjson', sealed: '.sealed.ndjson', damaged: '.damaged.ndjson' },
  records: { open: '.open.rows', sealed: '.sealed.rows', damaged: '.damaged.rows' },
} as const;
export const parquetSuffix = '.parquet';

type SegmentState = keyof (typeof suffixes)['lines'];

/** What a file is by its name; null when it is no segment's. */
export function segmentName(
  name: string,
): { readonly id: string; readonly form: SegmentForm; readonly state: SegmentState } | null {
  for (const form of ['lines', 'records'] as const)
    for (const state of ['open', 'sealed', 'damaged'] as const) {
      const suffix = suffixes[form][state];
      if (name.endsWith(suffix)) return { id: name.slice(0, -suffix.length), form, state };
    }
  return null;
}
