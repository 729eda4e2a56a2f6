import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../core/errors.ts';
import type { ServedArm } from './endpoint-state.ts';
import type { PredictRequest } from './request.ts';
import { checkShare, faultOf, predictShare, type Share } from './shares.ts';

const request = { endpoint: 'e', rowCount: 2, startedMs: 0, timeoutMs: 20 } as PredictRequest;
const inferenceFailed = fail('inference_failed', { model: 'm', version: '1', problem: 'it divides by 0' });
const tooLate = fail('deadline_exceeded', { endpoint: 'e', timeoutMs: 20 });
const gone = fail('cancelled', {});

/** A share of an arm whose model ends in an error, with who is told of it. */
function shareOf(
  told: Partial<Pick<ServedArm, 'guard' | 'failures'>>,
  error: unknown = inferenceFailed,
): Share {
  const model = {
    // An endpoint that allows 50 ms; a caller may allow less.
    limitMs: ({ timeoutMs }: Partial<PredictRequest>) => Math.min(50, timeoutMs ?? 50),
    acquire: () => ({ predict: () => Promise.reject(error), release: () => undefined }),
  };
  const arm = { model, ...told } as unknown as ServedArm;
  return { arm, rows: [1], entity: 'ada', cells: [], flags: [] } as unknown as Share;
}

test("what is an arm's own fault: errors of the server's side, but for a hurried or a gone caller", () => {
  const share = shareOf({});
  assert.equal(faultOf(request, share, new Error('a defect')), 'internal');
  assert.equal(faultOf(request, share, inferenceFailed), 'inference_failed');
  assert.equal(faultOf(request, share, fail('not_found', { what: 'a' })), null);
  assert.equal(faultOf(request, share, gone), null);
  assert.equal(faultOf(request, share, tooLate), null, 'the caller gave 20 of 50 ms');
  assert.equal(faultOf({ ...request, timeoutMs: null }, share, tooLate), 'deadline_exceeded');
});

test('an arm is told of its own failures with the entity, and of others only that the request has ended', async () => {
  const told: unknown[] = [];
  const guard = {
    began: () => 'request',
    failed: (_: unknown, __: number, code: string, entity: string) => told.push([code, entity]),
    left: () => told.push('left'),
  } as unknown as NonNullable<ServedArm['guard']>;
  await assert.rejects(predictShare(request, shareOf({ guard })), inferenceFailed);
  await assert.rejects(predictShare(request, shareOf({ guard }, gone)), gone);
  assert.deepEqual(told, [['inference_failed', 'ada'], 'left']);

  const counted: boolean[] = [];
  const failures = { count: (isFailed: boolean) => counted.push(isFailed) } as unknown as NonNullable<
    ServedArm['failures']
  >;
  await assert.rejects(predictShare(request, shareOf({ failures })), inferenceFailed);
  await assert.rejects(predictShare(request, shareOf({ failures }, gone)), gone);
  assert.deepEqual(counted, [true]);
});

test('a row is named by its number in the request, unless it is the only one', () => {
  const numbers: unknown[] = [];
  const check = {
    checkBlock: (_: unknown, numberOf: (i: number) => number | null) => {
      numbers.push(numberOf(0));
      return [null];
    },
  };
  const share = { ...shareOf({}), arm: { model: { check } } as unknown as ServedArm };
  checkShare(request, share);
  checkShare({ ...request, rowCount: 1 }, share);
  assert.deepEqual(
    [numbers, share.flags],
    [
      [1, null],
      [null, null],
    ],
  );
});
