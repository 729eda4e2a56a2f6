import { emptyMoments, type Moments, mergeMoments } from '../../core/statistics/moments.ts';

/** What an hour's pairs differ by. */
export interface PairedHour {
  /** Whole hours of event time since the rollout's first pair. */
  readonly hour: number;
  /** Requests of all arms in it, labelled or not: as steps give the champion less of them, pairs do not count them. */
  readonly requests: number;
  /** Differences of the pairs whose labels are known. */
  readonly differences: Moments;
}

const hoursOfDay = 24;
/** An hour of the day has a mean of its own when it was seen on so many days. */
const fewestDays = 3;

/**
 * The differences as they are about the mean over whole days: what an hour of the day adds is known, so it is no
 * uncertainty; what remains is how pairs, hours and days depart from it. Hour by hour in the order of time, as influence
 * values: their mean is the mean over whole days, their variance that of this mean times their number, and stretches of
 * them still resemble each other where moods last (`inflationOf`).
 *
 * Each hour of the day weighs as its traffic in the whole days seen, however many of its labels are known by now: an
 * evening whose labels are still to come does not make it morning. As the mean of an hour is estimated from few days,
 * what departs from it is stretched by √(days/(days − 1)). Hours of the day that were labelled on fewer than
 * `fewestDays` days are taken together, and what they differ by stays uncertainty.
 *
 * Source: post-stratification and its linearised variance (Holt, Smith 1979), with hours of the day as strata.
 *
 * @returns null before `fewestDays` whole days: until then a difference by the hour cannot be told from a mood
 */
export function overWholeDays(hours: readonly PairedHour[]): readonly Moments[] | null {
  const wholeDays = Math.floor(Math.max(0, ...hours.map((h) => h.hour)) / hoursOfDay);
  if (wholeDays < fewestDays) return null;
  const all = hours.reduce((sum, h) => mergeMoments(sum, h.differences), emptyMoments);
  const labelled = hours.filter((h) => h.differences.n > 0);
  const days = Array.from(
    { length: hoursOfDay },
    (_, hour) => labelled.filter((h) => h.hour % hoursOfDay === hour).length,
  );
  const cellOf = ({ hour }: PairedHour): number =>
    (days[hour % hoursOfDay] ?? 0) < fewestDays ? hoursOfDay : hour % hoursOfDay;
  const cells = Array.from({ length: hoursOfDay + 1 }, (_, cell) => {
    const own = hours.filter((h) => cellOf(h) === cell);
    const differences = own.reduce((sum, h) => mergeMoments(sum, h.differences), emptyMoments);
    const inWholeDays = own.filter((h) => h.hour < wholeDays * hoursOfDay);
    const traffic = differences.n === 0 ? 0 : inWholeDays.reduce((sum, h) => sum + h.requests, 0);
    const isKnown = cell < hoursOfDay && differences.n > 0;
    return {
      n: differences.n,
      traffic,
      centre: isKnown ? differences.mean : all.mean,
      stretch: isKnown ? Math.sqrt((days[cell] ?? 0) / ((days[cell] ?? 0) - 1)) : 1,
    };
  });
  const traffic = cells.reduce((sum, c) => sum + c.traffic, 0);
  if (traffic === 0) return null;
  const mean = cells.reduce((sum, c) => sum + c.traffic * c.centre, 0) / traffic;
  return [...labelled]
    .sort((a, b) => a.hour - b.hour)
    .flatMap((h) => {
      const cell = cells[cellOf(h)];
      if (!cell) return [];
      const factor = (cell.stretch * all.n * cell.traffic) / (traffic * cell.n);
      const { n, mean: own, m2 } = h.differences;
      return [{ n, mean: mean + factor * (own - cell.centre), m2: factor * factor * m2 }];
    });
}
