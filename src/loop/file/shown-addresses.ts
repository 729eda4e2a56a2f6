import { shownAddress } from '../../core/shown-address.ts';
import type { LoopFile } from '../contract.ts';
import { parseLoopFile } from './parse-loop-file.ts';

interface LoopText {
  readonly text: string;
  readonly file: LoopFile;
}

/**
 * A loop file as it is kept and shown: with the addresses of webhooks, which may carry tokens, as `shownAddress` gives
 * them. The monitor keeps the whole ones, sealed.
 *
 * @param refuse makes the error of an address that cannot be found in the text as it stands
 */
export function asShown(
  text: string,
  file: LoopFile,
  refuse: (path: readonly PropertyKey[], problem: string) => Error,
): LoopText {
  const { alerts } = file.monitor;
  if (alerts.length === 0) return { text, file };
  const shown = textAsShown(
    text,
    alerts.map(({ webhook }) => webhook),
  );
  const read = parseLoopFile(shown).monitor.alerts;
  for (const [i, { webhook }] of alerts.entries()) {
    if (read[i]?.webhook === shownAddress(webhook)) continue;
    throw refuse(
      ['monitor', 'alerts', i, 'webhook'],
      'must stand on one line and without escapes, so that it can be left out where the file is shown',
    );
  }
  return { text: shown, file: { ...file, monitor: { ...file.monitor, alerts: read } } };
}

/** A text with these addresses as they are shown. */
export function textAsShown(text: string, addresses: readonly string[]): string {
  // One may be the beginning of another.
  const longestFirst = [...addresses].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((rest, address) => rest.replaceAll(address, shownAddress(address)), text);
}
