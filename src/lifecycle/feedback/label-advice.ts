import type { LogSummary } from './summary-cache.ts';

const later =
  'predictions of the last seconds may still be on their way. They are joined as soon as the prediction is in.';

/**
 * What to do about labels that fit no prediction; null where all do.
 *
 * @param waiting labels and signals by entity of which no prediction is known
 */
export function labelAdvice({ endpoint, total }: LogSummary, waiting: number): string | null {
  const { orphans } = total;
  const advice: string[] = [];
  if (orphans > 0) {
    advice.push(
      `${orphans} labelled ${orphans === 1 ? 'id is' : 'ids are'} in no prediction of "${endpoint}". Check that the label's predictionId is the id that the prediction answered with, and that it was sent to this endpoint; ${later}`,
    );
  }
  if (waiting > 0) {
    const [names, wait] = waiting === 1 ? ['label names', 'waits'] : ['labels name', 'wait'];
    advice.push(
      `${waiting} ${names} an entity of which "${endpoint}" has no prediction near enough in time, and ${wait}. Check that requests name the entity, and the tolerance; GET /api/v1/labels/waiting?endpoint=${endpoint} lists them; ${later}`,
    );
  }
  return advice.length === 0 ? null : advice.join(' ');
}
