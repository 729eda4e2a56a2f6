import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import type { ConvertedSegment } from './convert-lines.ts';
import { convertRecords, type RecordsJob } from './convert-records.ts';
import { type LinesJob, type RecordLines, recordLines } from './record-lines.ts';

/** What the thread is asked, and what it answers. */
export type ConvertRequest = { readonly id: number } & (
  | { readonly convert: RecordsJob }
  | { readonly lines: LinesJob }
);
export type ConvertAnswer = ConvertedSegment | RecordLines;
export type ConvertReply = { readonly id: number } & (
  | { readonly answer: ConvertAnswer }
  | { readonly problem: string; readonly code: string | undefined }
);

/**
 * How long it works before it rests, and how long it rests: where all cores of a machine are busy, who works on takes one
 * for milliseconds at a time, and predictions wait as long. It does not rest while more is waiting.
 */
const workMs = 0.25;
const restMs = 1;

const waiting: ConvertRequest[] = [];
let isBusy = false;

async function restingBetween<T>(steps: Generator<unknown, T>): Promise<T> {
  for (;;) {
    for (const until = performance.now() + workMs; performance.now() < until; ) {
      const step = steps.next();
      if (step.done) return step.value;
    }
    if (waiting.length === 0) await sleep(restMs);
  }
}

async function work(): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  for (let request = waiting.shift(); request; request = waiting.shift()) {
    const { id } = request;
    let reply: ConvertReply;
    try {
      const steps: Generator<unknown, ConvertAnswer> =
        'convert' in request ? convertRecords(request.convert) : recordLines(request.lines);
      reply = { id, answer: await restingBetween(steps) };
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      reply = { id, problem: message, code };
    }
    parentPort?.postMessage(reply);
  }
  isBusy = false;
}

parentPort?.on('message', (request: ConvertRequest) => {
  waiting.push(request);
  void work();
});
