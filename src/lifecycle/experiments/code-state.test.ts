import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { CodeState } from './contract/code.ts';
import { codeOf } from './service/code-state.ts';
import { refused, startedExperiment, tester } from './testing.ts';

const state: CodeState = {
  git: { commit: 'a'.repeat(40), branch: 'main', repoUrl: 'https://example.org/x.git', diff: '+one line' },
  environment: { python: '3.11.7', platform: 'Linux', packages: ['mlflow==3.17.2', 'numpy==2.3.0'] },
  output: 'epoch 1\n',
};

forEachDatabase((name, open) => {
  test(`${name}: a step tells the code of all runs that it made, and of no others`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const { runs, artifacts, code } = tracking;
    const job = { kind: 'job', id: 'step-1' } as const;
    const plain = await start({}, job);
    const said = await start({ tags: [{ key: 'mlflow.source.git.commit', value: 'b'.repeat(40) }] }, job);
    const other = await start({}, { kind: 'job', id: 'step-2' });
    assert.equal(codeOf(await runs.get(tester, plain.id)), null);

    assert.equal(await code.record(job, state), 2);
    assert.deepEqual(codeOf(await runs.get(tester, plain.id)), {
      commit: 'a'.repeat(40),
      branch: 'main',
      repoUrl: 'https://example.org/x.git',
      isDirty: true,
      entryPoint: null,
      python: '3.11.7',
      platform: 'Linux',
      files: ['code/environment.txt', 'code/changes.patch', 'code/output.log'],
    });
    const path = artifacts.pathIn(plain.artifactUri, 'code/environment.txt');
    const chunks = [];
    for await (const chunk of await artifacts.read(tester, await artifacts.find(tester, path)))
      chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), 'mlflow==3.17.2\nnumpy==2.3.0\n');
    // What the script has said itself stays.
    assert.equal(codeOf(await runs.get(tester, said.id))?.commit, 'b'.repeat(40));
    assert.equal(codeOf(await runs.get(tester, other.id)), null);
    await assert.rejects(code.record(tester, state), refused('forbidden'));
  });
});
