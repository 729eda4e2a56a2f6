/** What is known of the next attempt. */
export interface Resend {
  /** Whether another attempt may help at all. */
  readonly mayHelp: boolean;
  /** How long the receiver asked to be left alone; null when it did not. */
  readonly waitMs: number | null;
}

const firstMs = 1_000;
const factor = 4;
const longestMs = 300_000;
/** A receiver may ask for more patience than that, up to this. */
const longestAskedMs = 3_600_000;
const jitterRatio = 0.2;

/**
 * The pause before the next attempt: 1 s, 4 s, 16 s, 64 s, 256 s, then 300 s, or as long as the receiver asked for,
 * and up to a fifth more, so that many deliveries do not come back at one moment.
 *
 * @param attempts made so far, at least 1
 * @param random in [0, 1)
 */
export function pauseMs(attempts: number, askedMs: number | null, random: number): number {
  const ownMs = Math.min(longestMs, firstMs * factor ** (attempts - 1));
  const wantedMs = Math.max(ownMs, Math.min(askedMs ?? 0, longestAskedMs));
  return Math.round(wantedMs * (1 + jitterRatio * random));
}
