/**
 * Resolves when both have ended, and rejects when one has. For what goes on in the background and is waited for at the
 * end: unlike `Promise.all` of what it gave before it keeps nothing of what has ended.
 */
export async function bothEnded(a: Promise<unknown>, b: Promise<unknown>): Promise<void> {
  await Promise.all([a, b]);
}
