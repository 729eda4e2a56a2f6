import { formatDuration } from '../../core/time.ts';
import { elapsedMs, type Judged } from './judged.ts';

const dayMs = 86_400_000;

/**
 * What a verdict by outcomes cannot speak of, as a clause behind it: hours of the day, or days of the week, that the
 * rollout has not seen. Its error rate holds for requests like those seen. Empty after a week.
 */
export function scopeText({ beganMs, eventMs }: Pick<Judged, 'beganMs' | 'eventMs'>): string {
  const seenMs = elapsedMs(beganMs, eventMs);
  if (seenMs >= 7 * dayMs) return '';
  const seen = seenMs < 60_000 ? 'less than a minute' : formatDuration(seenMs);
  const others = seenMs < dayMs ? 'other hours of the day' : 'other days of the week';
  return `; seen over ${seen}: ${others} may differ`;
}
