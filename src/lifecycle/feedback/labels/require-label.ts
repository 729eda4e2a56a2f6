import { fail } from '../../../core/errors.ts';
import { formatTime, parseTime } from '../../../core/time.ts';
import type { LabelType, LabelValue } from '../contract.ts';
import { labelSkewMs } from '../relations.ts';

const expected: Readonly<Record<LabelType, string>> = {
  any: 'a finite number, true, false or text (a missing label is left out)',
  binary: 'true, false, 1 or 0',
  number: 'a finite number',
  text: 'text',
};

/** How programs write a number that is none. As a text it would count as a label. */
const noNumber = /^[+-]?(nan|inf|infinity)$/i;

const fits: Readonly<Record<LabelType, (value: LabelValue) => boolean>> = {
  any: (value) => (typeof value === 'string' ? !noNumber.test(value) : Number.isFinite(Number(value))),
  binary: (value) => typeof value === 'boolean' || value === 0 || value === 1,
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  text: (value) => typeof value === 'string',
};

/** Throws `label_type_wrong` when an endpoint does not take such a label. */
export function requireType(value: LabelValue, type: LabelType, field: string): void {
  if (fits[type](value)) return;
  throw fail('label_type_wrong', { field, value: JSON.stringify(value), expected: expected[type] });
}

/** What is dated before is no time but a missing one: year 1 of many languages, day 0 of spreadsheets. */
const earliestMs = Date.UTC(1900, 0, 2);
const latestMs = Date.UTC(2200, 0, 1);

/**
 * When the truth became known, in epoch milliseconds: not before 1900, and not later than now (`labelSkewMs` for clocks
 * that differ), for no later label could correct it. Throws `label_time_impossible`, `invalid_time`.
 */
export function requireEventTime(time: string | number, nowMs: number, field: string): number {
  const timeMs = msOf(time, field);
  if (timeMs > nowMs + labelSkewMs)
    throw impossible(time, field, `is in the future: it is ${formatTime(nowMs)} here`);
  return plausible(time, timeMs, field);
}

/** When a prediction was made, which may be said to be in the future. Throws `label_time_impossible`, `invalid_time`. */
export function requirePredictionTime(time: string | number, field: string): number {
  return plausible(time, msOf(time, field), field);
}

function plausible(time: string | number, timeMs: number, field: string): number {
  if (timeMs >= earliestMs && timeMs < latestMs) return timeMs;
  throw impossible(time, field, 'is not between 1900 and 2200');
}

function msOf(time: string | number, field: string): number {
  return typeof time === 'number' ? time : parseTime(time, field);
}

function impossible(time: string | number, field: string, problem: string) {
  const isDate = typeof time === 'number' && Math.abs(time) <= 8.64e15;
  return fail('label_time_impossible', { field, value: isDate ? formatTime(time) : String(time), problem });
}
