import { decimalsFor, formatInterval, formatNumber, formatSigned } from './format.ts';

/** An estimate with its interval; `of` says what it was measured on and is shown on hover. */
export function Estimate(props: {
  readonly value: number | null | undefined;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly of?: string;
  readonly className?: string;
}) {
  const { value, low, high, of, className = '' } = props;
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return (
      <span className={`text-faint ${className}`} data-tip={of ?? 'Not measured'}>
        –
      </span>
    );
  }
  const known =
    typeof low === 'number' && typeof high === 'number' && Number.isFinite(low) && Number.isFinite(high);
  if (!known) {
    return (
      <span className={className} data-tip={of}>
        {formatNumber(value)}
      </span>
    );
  }
  if (low === value && high === value) {
    return (
      <span className={className} data-tip={of}>
        {formatNumber(value, 3)}
      </span>
    );
  }
  const text = formatInterval(value, low, high);
  const range = `95 %: ${formatNumber(low, decimalsFor((high - low) / 2))} to ${formatNumber(high, decimalsFor((high - low) / 2))}`;
  return (
    <span className={`whitespace-nowrap ${className}`} data-tip={of ? `${range}\n${of}` : range}>
      {text.value}
      <span className="text-muted"> ± {text.half}</span>
    </span>
  );
}

export type Direction = 'higher' | 'lower';

/**
 * A difference against something: arrow and number, coloured only when its interval excludes zero.
 * `better` says which direction is good.
 */
export function Difference(props: {
  readonly value: number;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly better: Direction;
  readonly of?: string;
}) {
  const { value, low, high, better, of } = props;
  const known = typeof low === 'number' && typeof high === 'number';
  const sure = known && (low > 0 || high < 0);
  const good = better === 'higher' ? value > 0 : value < 0;
  const decimals = known ? decimalsFor((high - low) / 2) : 3;
  const ink = sure ? (good ? 'text-good' : 'text-bad') : 'text-muted';
  const word = !sure ? 'no clear difference' : good ? 'better' : 'worse';
  const range = known
    ? `95 %: ${formatSigned(low, decimals)} to ${formatSigned(high, decimals)}`
    : 'no interval';
  return (
    <span className={`whitespace-nowrap ${ink}`} data-tip={`${word}; ${range}${of ? `\n${of}` : ''}`}>
      {sure ? (value > 0 ? '↑ ' : '↓ ') : ''}
      {formatSigned(value, decimals)}
    </span>
  );
}
