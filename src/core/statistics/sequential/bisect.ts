/**
 * Where a monotone condition changes between `inside` (where it holds) and `outside` (where it does not), to
 * double precision.
 */
export function bisect(holds: (x: number) => boolean, inside: number, outside: number): number {
  let [good, bad] = [inside, outside];
  for (let step = 0; step < 100; step++) {
    const middle = (good + bad) / 2;
    if (middle === good || middle === bad) break;
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
