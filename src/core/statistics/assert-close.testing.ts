import assert from 'node:assert/strict';

/** Asserts that two numbers agree to a relative tolerance (absolute below 1e-300). */
export function assertClose(actual: number | null, expected: number, tolerance = 1e-10, message = ''): void {
  const scale = Math.max(Math.abs(expected), 1e-300);
  assert.ok(
    actual !== null && (actual === expected || Math.abs(actual - expected) <= tolerance * scale),
    `${message}: ${actual} is not within ${tolerance} of ${expected}`,
  );
}
