import { join } from 'node:path';
import { wallClock } from '../../core/time.ts';
import type { Arrivals } from './arrivals.ts';
import { LABEL_SEGMENT_SEALED } from './contract.ts';
import { LabelLog } from './label-log.ts';
import type { FeedbackServiceOptions } from './service.ts';
import { FeedbackStore, type LabelKind } from './store.ts';

const defaultReadWaitMs = 5_000;

/** The two logs that the intake writes to. */
export interface LabelLogs {
  readonly labels: LabelLog;
  readonly signals: LabelLog;
}

/** Opens both logs; what an earlier process left unsealed becomes segments. */
export async function openLabelLogs(options: FeedbackServiceOptions, arrivals: Arrivals): Promise<LabelLogs> {
  const { db, journal, blobs, frames, log, labelDirectory } = options;
  const store = new FeedbackStore(db);
  const clock = options.clock ?? wallClock;
  const open = (kind: LabelKind, directory: string): Promise<LabelLog> =>
    LabelLog.open({
      directory,
      blobs,
      frames,
      log,
      readWaitMs: options.readWaitMs ?? defaultReadWaitMs,
      appended: (endpoint, labels) => {
        if (kind === 'label') arrivals.tell({ endpoint, labels });
      },
      register: (segment) =>
        db.write(async (tx) => {
          if (!(await store.insertLabelSegment(tx, segment, kind, clock.nowMs()))) return;
          if (kind !== 'label') return;
          const subject = { kind: 'endpoint', id: segment.endpoint };
          await journal.appendEvent(tx, { type: LABEL_SEGMENT_SEALED, subject, data: segment });
        }),
    });
  return {
    labels: await open('label', labelDirectory),
    signals: await open('signal', join(labelDirectory, '.signals')),
  };
}
