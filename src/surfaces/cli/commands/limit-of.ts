import { type CommandCall, UsageError } from '../command.ts';

/** The value of --limit. Throws `UsageError` when it is not a whole number from 1 on. */
export function limitOf(call: CommandCall, standard: number): number {
  const text = call.option('limit');
  if (text === undefined) return standard;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UsageError(`--limit ${text} is not a number of 1 or more`);
}
