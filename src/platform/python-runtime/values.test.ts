import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const python = join(root, '.venv/bin/python');

test('whole numbers beyond 2^53, masked and missing ones stay what they are; an object is no text', {
  skip: !existsSync(python),
}, () => {
  const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(root, 'python'))})
import numpy as np, pandas as pd
from worker_requests import packed_answer
from worker_values import array_of, element_type, is_nested, plain
big = 2**53 + 1
def told(values):
    kind, array = element_type(np, array_of(np, values))
    return [kind, is_nested(array.tolist()) if kind == "string" else None, plain(array)]
def refused(value):
    try:
        return plain(value)
    except TypeError:
        return "refused"
print(json.dumps([
    told(np.array([1, None], dtype=object)),
    told(np.array([big, 1], dtype=object)),
    told([big, None]),
    told([2**70 + 1, 1]),
    told(np.ma.masked_array([1.5, 2.5], mask=[True, False])),
    told([np.int64(5), None]),
    packed_answer(np.ma.masked_array([1, 2], mask=[True, False]))[2],
    plain([pd.NA, pd.NaT, range(2), {"a": 1}.values()]),
    [refused(value) for value in (map(str, []), (i for i in []), object(), len)],
]))`;
  const big = '9007199254740993';
  const told = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
  assert.equal(
    told,
    `[["double", null, [1.0, null]], ["int64", null, [${big}, 1]], ["string", true, [${big}, null]], ` +
      `["string", true, [1180591620717411303425, 1]], ["double", null, [null, 2.5]], ["double", null, [5.0, null]], ` +
      '["[null, 2]"], [null, null, [0, 1], [1]], ["refused", "refused", "refused", "refused"]]',
  );
});
