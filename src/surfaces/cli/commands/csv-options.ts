import type { CommandCall } from '../command.ts';

/** How a CSV file is to be read, where that cannot be seen: options `delimiter`, `decimal` and `encoding`. */
export function csvOptionsOf(call: CommandCall): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  for (const name of ['delimiter', 'decimal', 'encoding']) {
    const value = call.option(name);
    if (value !== undefined) given[name] = value;
  }
  return given;
}
