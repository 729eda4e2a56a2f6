import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';

export const STEP_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

/** `step` opens the panel of one step run. */
export type StepsSearch = {
  kind?: string;
  status?: (typeof STEP_STATUSES)[number];
  subject?: string;
  step?: string;
};

export const stepsSearch = (raw: RawSearch): StepsSearch =>
  compact({
    kind: text(raw.kind),
    status: oneOf(raw.status, STEP_STATUSES),
    subject: text(raw.subject),
    step: text(raw.step),
  });
