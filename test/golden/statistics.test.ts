import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const python = path('../../.venv/bin/python');

/** Are both JSON values equal, numbers to 1e-7 relative (libraries round differently by version)? */
function alike(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= 1e-7 * Math.max(Math.abs(a), Math.abs(b), 1e-12) || a === b;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value], k) => key === right[k]?.[0] && alike(value, right[k]?.[1]))
  );
}

test('committed golden values are what scipy, scikit-learn and statsmodels give', {
  skip: existsSync(python) ? false : 'no .venv: the committed values are used as they are',
}, () => {
  const text = execFileSync(python, [path('statistics.py')], { encoding: 'utf8' });
  const derived: Record<string, unknown> = JSON.parse(text);
  const committed: Record<string, unknown> = JSON.parse(
    readFileSync(path('../../src/core/statistics/fixtures/golden.json'), 'utf8'),
  );
  for (const section of Object.keys(derived)) {
    assert.ok(alike(derived[section], committed[section]), `section ${section} differs`);
  }
});
