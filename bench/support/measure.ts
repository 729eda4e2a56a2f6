/** The middle value; of an even number the mean of the two in the middle, NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Measures several things in turn, round after round, so that a change of the machine's speed meets all of them
 * alike, and returns every round's values.
 */
export async function interleave<Name extends string>(
  rounds: number,
  measurements: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, readonly number[]>> {
  const names = Object.keys(measurements) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) values[name].push(await measurements[name]());
  }
  return values;
}

/** A measured number as the table shows it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Measured in the same run. */
  readonly floor?: { readonly name: string; readonly value: number };
  /** What we want; printed beside the value. */
  readonly aim?: { readonly most?: number; readonly least?: number; readonly of: 'value' | 'ratio' };
}

/** Whether a figure keeps to its aim; one without an aim does. */
export function meetsAim(figure: Figure): boolean {
  if (figure.aim === undefined) return true;
  const measured = figure.aim.of === 'ratio' ? ratioOf(figure) : figure.value;
  return measured <= (figure.aim.most ?? Infinity) && measured >= (figure.aim.least ?? -Infinity);
}

/** Prints a figure on one line: the value, its ratio to the floor, the aim and whether it is met. */
export function report(figure: Figure): void {
  const parts = [`${figure.name}: ${short(figure.value)} ${figure.unit}`];
  if (figure.floor !== undefined) {
    parts.push(
      `ratio ${short(ratioOf(figure))} to ${figure.floor.name} (${short(figure.floor.value)} ${figure.unit})`,
    );
  }
  if (figure.aim !== undefined) {
    const limit =
      figure.aim.most === undefined ? `at least ${figure.aim.least}` : `at most ${figure.aim.most}`;
    const what = figure.aim.of === 'ratio' ? 'ratio ' : '';
    parts.push(`aim ${what}${limit}: ${meetsAim(figure) ? 'met' : 'NOT met'}`);
  }
  console.log(parts.join(' | '));
}

function ratioOf(figure: Figure): number {
  return figure.value / (figure.floor?.value ?? NaN);
}

function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
