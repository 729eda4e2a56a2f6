import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects, and gives pages without objects back to the system; the thread stands still for some 50 ms. */
export type Collect = () => void;

/** V8's `gc`, which only contexts that are made after its flag have. */
export function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void;
  return () => gc({ type: 'major', flavor: 'last-resort' });
}
