import { formatDuration } from '../../../src/core/time.ts';
import type { Loop, Turn } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';

const barCells = 24;
const liveEveryMs = 250;
const logEveryMs = 5_000;

/** Tells what happens: lines that stay, and under them one that shows where we are. */
export class Narrator {
  readonly #out: NodeJS.WriteStream;
  readonly #beganMs = performance.now();
  /** Number of transitions told already, by turn. */
  readonly #told = new Map<string, number>();
  #lastLiveMs = 0;
  #live = '';

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  /** Writes a line that stays. */
  say(text: string): void {
    if (this.#live) this.#out.write('\r\x1b[K');
    const [first = '', ...rest] = text.split('\n');
    this.#out.write(`${this.#clock()} ${first}\n${rest.map((line) => `${line}\n`).join('')}`);
    if (this.#live) this.#out.write(this.#live);
  }

  /** Shows progress: on a terminal one line over and over, else a line now and then. */
  progress(ratio: number, text: string): void {
    const nowMs = performance.now();
    const terminal = this.#out.isTTY === true;
    if (nowMs - this.#lastLiveMs < (terminal ? liveEveryMs : logEveryMs)) return;
    this.#lastLiveMs = nowMs;
    const percent = `${String(Math.floor(ratio * 100)).padStart(3)} %`;
    if (!terminal) {
      this.#out.write(`${this.#clock()} ${percent}  ${text}\n`);
      return;
    }
    const full = Math.round(ratio * barCells);
    const bar = '━'.repeat(full) + '╌'.repeat(barCells - full);
    this.#live = `${bar} ${percent}  ${text}`.slice(0, (this.#out.columns ?? 120) - 1);
    this.#out.write(`\r\x1b[K${this.#live}`);
  }

  /** Takes the progress line away. */
  still(): void {
    if (this.#live) this.#out.write('\r\x1b[K');
    this.#live = '';
  }

  /** Tells each step that the loop's newest turns have taken since the last call. */
  async tellTurns(api: Api, loop: Loop): Promise<void> {
    const ids = [loop.lastTurn, loop.activeTurn].flatMap((turn) => (turn ? [turn.id] : []));
    for (const id of new Set(ids)) {
      const turn = await api.get<Turn>(`/api/v1/turns/${id}`);
      const told = this.#told.get(id) ?? 0;
      for (const step of turn.transitions.slice(told)) {
        const date = step.eventTime?.slice(0, 10) ?? '          ';
        const reason = step.from === null ? turn.trigger.reason : step.reason;
        this.say(`${date}  turn ${turn.number}  ${mark(step.to)} ${step.to}: ${reason}`);
      }
      this.#told.set(id, turn.transitions.length);
    }
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  #clock(): string {
    const seconds = Math.floor(this.elapsedMs / 1000);
    return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
  }
}

/** The demo's duration in words. */
export function tookText(elapsedMs: number): string {
  return formatDuration(elapsedMs);
}

function mark(state: string): string {
  if (state === 'promoted') return '✓';
  if (state === 'rejected' || state === 'rolled-back' || state === 'failed') return '✗';
  return '·';
}
