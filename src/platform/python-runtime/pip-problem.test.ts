import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipProblem } from './pip-problem.ts';

test('of requirements that contradict each other it is told which', () => {
  const said = `Looking in links: wheels
Processing ./wheels/tinypart-1.0-py3-none-any.whl
ERROR: Cannot install otherpart==1.0 and tinypart==1.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested otherpart==1.0
    tinypart 1.0 depends on otherpart==2.0

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/`;
  assert.equal(
    pipProblem(said.split('\n')),
    'ERROR: Cannot install otherpart==1.0 and tinypart==1.0 because these package versions have conflicting ' +
      'dependencies. / The conflict is caused by: / The user requested otherpart==1.0 / ' +
      'tinypart 1.0 depends on otherpart==2.0',
  );
});

test('of a build that failed it is told which, and its last words', () => {
  const said = `Processing ./wheels/bad-1.0.tar.gz
  Preparing metadata (pyproject.toml): finished with status 'error'
  error: subprocess-exited-with-error

  × Preparing metadata (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [3 lines of output]
      running dist_info
      RuntimeError: libfoo.h is missing: install libfoo-dev
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed

× Encountered error while generating package metadata.
╰─> See above for output.

note: This is an issue with the package mentioned above, not pip.
hint: See above for details.`;
  assert.equal(
    pipProblem(said.split('\n')),
    'Processing ./wheels/bad-1.0.tar.gz / running dist_info / RuntimeError: libfoo.h is missing: install libfoo-dev',
  );
});

test('an index that does not answer is not told as a requirement that does not exist', () => {
  const retrying = (left: number) =>
    `WARNING: Retrying (Retry(total=${left})) after connection broken by 'ReadTimeoutError': /simple/six/`;
  const missing = 'ERROR: No matching distribution found for six';
  assert.equal(pipProblem([retrying(1), retrying(0), missing]), `${retrying(0)} / ${missing}`);
  assert.equal(pipProblem([missing]), missing);
  assert.equal(pipProblem(['Killed']), 'Killed');
});
