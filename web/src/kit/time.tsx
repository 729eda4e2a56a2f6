import { useNow } from './clock.ts';
import { formatDay, formatMoment, formatMomentInFull, formatRelative } from './format.ts';

type When = string | number | null | undefined;

const toMs = (at: When): number => (typeof at === 'number' ? at : at ? Date.parse(at) : Number.NaN);

/** Wall-clock time: relative, absolute on hover. */
export function Ago(props: { readonly at: When; readonly className?: string }) {
  const now = useNow();
  const ms = toMs(props.at);
  if (Number.isNaN(ms)) return <span className="text-faint">–</span>;
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      data-tip={formatMomentInFull(ms)}
      className={`whitespace-nowrap ${props.className ?? ''}`}
    >
      {formatRelative(ms, Math.max(now, Date.now() - 5000))}
    </time>
  );
}

/** A moment of the wall clock to the second, UTC; the reader's own clock on hover. */
export function Moment(props: { readonly at: When }) {
  const ms = toMs(props.at);
  if (Number.isNaN(ms)) return <span className="text-faint">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} data-tip={formatMomentInFull(ms)}>
      {formatMoment(ms, true)} UTC
    </time>
  );
}

/** Event time: the stopwatch marks that this is the data's own clock, never the wall's. */
export function EventTime(props: {
  readonly at: When;
  readonly precise?: boolean;
  readonly className?: string;
}) {
  const ms = toMs(props.at);
  if (Number.isNaN(ms)) return <span className="text-faint">–</span>;
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      data-tip={`Event time ${formatMomentInFull(ms)}`}
      className={`inline-flex items-center gap-1 whitespace-nowrap ${props.className ?? ''}`}
    >
      <EventTimeMark />
      {props.precise ? formatMoment(ms) : formatDay(ms, new Date().getUTCFullYear())}
    </time>
  );
}

/** The stopwatch itself, for column heads and chart titles. */
export function EventTimeMark() {
  return (
    <svg
      width="11"
      height="12"
      viewBox="0 0 11 12"
      className="shrink-0 text-faint"
      role="img"
      aria-label="event time"
    >
      <circle cx="5.5" cy="7" r="4" fill="none" stroke="currentColor" strokeWidth="1.2" />
      <path
        d="M4 .9h3M5.5 1v1.6M5.5 7V4.8"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.2"
        strokeLinecap="round"
      />
    </svg>
  );
}
