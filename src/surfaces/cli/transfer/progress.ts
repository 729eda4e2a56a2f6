import { bytes, count } from '../format/text.ts';

const everyMs = 2000;
const zero = { runs: 0, points: 0, files: 0, sizeBytes: 0, models: 0, skipped: 0 };

/** Says from time to time how far a transfer is, on lines beside the answer. */
export class Progress {
  readonly #note: (line: string) => void;
  readonly #now: () => number;
  #what = '';
  #saidMs: number;
  #beganMs: number;
  #sums = zero;

  constructor(note: (line: string) => void, now: () => number = () => performance.now()) {
    this.#note = note;
    this.#now = now;
    this.#beganMs = now();
    this.#saidMs = this.#beganMs;
  }

  begin(what: string): void {
    this.#what = what;
    this.#say();
  }

  run(): void {
    this.#add('runs', 1);
  }

  skipped(): void {
    this.#add('skipped', 1);
  }

  model(): void {
    this.#add('models', 1);
  }

  points(n: number): void {
    this.#add('points', n);
  }

  file(sizeBytes: number): void {
    this.#add('sizeBytes', sizeBytes);
    this.#add('files', 1);
  }

  /** The last line: what was read in all, and how fast. */
  end(): void {
    const seconds = Math.max(0.001, (this.#now() - this.#beganMs) / 1000);
    const rate = Math.round(this.#sums.points / seconds).toLocaleString('en-US');
    this.#note(`${this.#text()} in ${seconds.toFixed(1)} s (${rate} points/s)`);
  }

  #add(what: keyof typeof zero, n: number): void {
    this.#sums = { ...this.#sums, [what]: this.#sums[what] + n };
    if (this.#now() - this.#saidMs >= everyMs) this.#say();
  }

  #say(): void {
    this.#saidMs = this.#now();
    this.#note(`${this.#what}: so far ${this.#text()}`);
  }

  #text(): string {
    const { runs, points, files, sizeBytes, models, skipped } = this.#sums;
    const parts = [
      count(runs, 'run'),
      ...(skipped > 0 ? [`${count(skipped, 'run')} here already`] : []),
      count(points, 'point'),
      `${count(files, 'file')} (${bytes(sizeBytes)})`,
      count(models, 'model'),
    ];
    return parts.join(', ');
  }
}
