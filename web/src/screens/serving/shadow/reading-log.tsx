import { useQuery } from '@tanstack/react-query';
import { logReadingQuery } from '../../../api/queries.ts';
import { formatCount, plural } from '../../../kit/format.ts';

const askAgainMs = 1000;

/** How far a large log has been read for what one waits for. */
export function ReadingLog(props: { readonly endpoint: string }) {
  const { data } = useQuery({ ...logReadingQuery(props.endpoint), refetchInterval: askAgainMs, gcTime: 0 });
  const reading = data?.reading;
  if (!reading) return null;
  const { rowsRead, rowsTotal } = reading;
  return (
    <span className="inline-flex items-center gap-2">
      reading the log: {formatCount(rowsRead)} of {plural(rowsTotal, 'row')}
      <progress
        value={rowsRead}
        max={rowsTotal}
        aria-label="How far the log has been read"
        className="w-24"
      />
    </span>
  );
}
