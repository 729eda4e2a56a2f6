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

test('columns of whole numbers that lack some are not rounded; times are told as MLflow tells them', {
  skip: !existsSync(python),
}, () => {
  const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(root, 'python'))})
import numpy as np, pandas as pd
from mlflow.pyfunc.scoring_server import predictions_to_json
import io
from worker_model import Model
from worker_values import array_of, element_type, plain
model = Model.__new__(Model)
model.pd, model.name = pd, "output"
def told(answer):
    (_, values), = model._named(answer)
    kind, array = element_type(np, array_of(np, values))
    return [kind, plain(array)]
def of_mlflow(answer):
    output = io.StringIO()
    predictions_to_json(answer, output)
    told = json.loads(output.getvalue())["predictions"]
    return [next(iter(row.values())) if isinstance(row, dict) else row for row in told]
big = 2**53 + 1
times = np.array(["2026-01-01T00:00:00.123456789", "2026-01-02"], dtype="M8[ns]")
lacking = pd.array([big, None], dtype="Int64")
assert told(lacking) == ["string", [big, None]]
answers = [
    pd.DataFrame({"n": lacking}), pd.Series(lacking), pd.Series([2**64 - 1, None], dtype="UInt64"),
    pd.Series([5, None], dtype="Int64"), pd.Series([big, 1], dtype="Int64"),
    times, np.array([times[0], "NaT"], dtype="M8[ns]"), times.astype("M8[us]"), times.astype("M8[D]"),
    pd.DataFrame({"t": times}), pd.Series(times), pd.Series(times).dt.tz_localize("UTC"),
]
for answer in answers:
    assert told(answer)[1] == of_mlflow(answer), (told(answer), of_mlflow(answer))
print(json.dumps([told(answer)[0] for answer in answers]))`;
  const told = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
  assert.equal(
    told,
    '["string", "string", "string", "double", "int64", "int64", "string", "string", "string", "string", "string", "string"]',
  );
});
