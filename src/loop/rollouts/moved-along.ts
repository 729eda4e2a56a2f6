import { formatTime, parseTime } from '../../core/time.ts';
import type { ClockMark } from '../clock-steps.ts';
import type { RolloutData } from './store.ts';

/** A rollout whose waits (steps, its end, changes of shares, its cool-down) count from a clock that was set by so much, to `clock`. */
export function movedAlong(data: RolloutData, stepMs: number, clock: ClockMark | null): RolloutData {
  const { sinceEventTime } = data.step;
  const moved = (timeMs: number | null) => (timeMs === null ? null : timeMs + stepMs);
  return {
    ...data,
    step: { ...data.step, sinceEventTime: movedTime(sinceEventTime, stepMs) },
    beganEventMs: moved(data.beganEventMs),
    weighedAtMs: moved(data.weighedAtMs),
    coolUntilMs: moved(data.coolUntilMs),
    clock,
  };
}

/** A time that is written as text, or none, on a clock that was set by so much. */
export function movedTime(time: string | null, stepMs: number): string | null {
  return time === null ? null : formatTime(parseTime(time) + stepMs);
}
