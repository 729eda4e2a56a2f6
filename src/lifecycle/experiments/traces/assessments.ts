import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { ExperimentsDeps } from '../service/context.ts';
import { invalidParameter } from '../validation.ts';
import type { AssessmentKind, AssessmentRecord } from './records.ts';
import { traceById, traceUnknown } from './shared.ts';
import {
  deleteAssessmentRow,
  findAssessment,
  putAssessment,
  setAssessmentValid,
} from './store/assessments.ts';
import { findTraceRow } from './store/traces.ts';

export type NewAssessment = Omit<AssessmentRecord, 'id' | 'isValid'>;

/** A change of an assessment; what is undefined stays, metadata is merged. */
export interface AssessmentChange {
  readonly name?: string | undefined;
  readonly kind?: AssessmentKind | undefined;
  readonly value?: unknown;
  readonly error?: AssessmentRecord['error'];
  readonly rationale?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** `a-` and 32 hexadecimal digits; ids of one millisecond sort as they were made. */
export const newAssessmentId = (): string => `a-${uuidv7().replaceAll('-', '')}`;

/** Judgements about traces: feedback and expectations. */
export function assessmentOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;

  return {
    /** Adds an assessment; the one that it overrides is not valid any more. Throws `trace_unknown`. */
    async create(actor: Actor, input: NewAssessment): Promise<AssessmentRecord> {
      authorize(actor, 'experiments:write');
      const assessment = { ...input, id: newAssessmentId(), isValid: true };
      await db.write(async (tx) => {
        const { traceId, overrides } = input;
        await traceById(tx, traceId);
        if (overrides !== null && !(await setAssessmentValid(tx, traceId, overrides, false))) {
          throw unknown(overrides, traceId);
        }
        await putAssessment(tx, assessment);
      });
      return assessment;
    },

    /** Throws `assessment_unknown`, `trace_unknown`. */
    async get(actor: Actor, traceId: string, id: string): Promise<AssessmentRecord> {
      authorize(actor, 'read');
      return assessmentById(db.read, traceId, id);
    },

    /** Throws `assessment_unknown`; `tracking_invalid` where the kind would change. */
    async update(
      actor: Actor,
      traceId: string,
      id: string,
      change: AssessmentChange,
    ): Promise<AssessmentRecord> {
      authorize(actor, 'experiments:write');
      return db.write(async (tx) => {
        const old = await assessmentById(tx, traceId, id);
        if (change.kind && change.kind !== old.kind) {
          throw invalidParameter(
            `Cannot update ${change.kind} value on ${old.kind === 'feedback' ? 'a Feedback' : 'an Expectation'} assessment.`,
          );
        }
        const next: AssessmentRecord = {
          ...old,
          name: change.name ?? old.name,
          ...(change.kind ? { value: change.value, error: change.error ?? null } : {}),
          rationale: change.rationale ?? old.rationale,
          metadata: old.metadata || change.metadata ? { ...old.metadata, ...change.metadata } : null,
          updatedAtMs: clock.nowMs(),
        };
        await putAssessment(tx, next);
        return next;
      });
    },

    /** Removes an assessment if it is there, and makes the one that it overrode valid again. */
    async delete(actor: Actor, traceId: string, id: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        const old = await findAssessment(tx, traceId, id);
        if (!old) return;
        if (old.overrides !== null) await setAssessmentValid(tx, traceId, old.overrides, true);
        await deleteAssessmentRow(tx, id);
      });
    },
  };
}

async function assessmentById(tx: Tx, traceId: string, id: string): Promise<AssessmentRecord> {
  const found = await findAssessment(tx, traceId, id);
  if (found) return found;
  if (await findTraceRow(tx, traceId)) throw unknown(id, traceId);
  throw traceUnknown(`Trace with request_id '${traceId}' not found`);
}

function unknown(id: string, traceId: string): Error {
  return fail('assessment_unknown', {
    problem: `Assessment with ID '${id}' not found for trace '${traceId}'`,
  });
}
