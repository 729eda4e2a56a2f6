/** What an earlier state must have left behind. Its absence is a fault of ours. */
export function known<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`the turn has no ${what}`);
  return value;
}
