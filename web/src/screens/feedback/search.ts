import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';

export const ARMS = ['champion', 'challenger', 'shadow'] as const;
export const OUTCOMES = ['correct', 'wrong'] as const;
export const LABELLED = ['true', 'false'] as const;

/** `id` opens the panel of one prediction. */
export type PredictionsSearch = {
  endpoint?: string;
  arm?: (typeof ARMS)[number];
  version?: string;
  status?: string;
  labelled?: (typeof LABELLED)[number];
  outcome?: (typeof OUTCOMES)[number];
  entity?: string;
  /** Only scores from this on. */
  minScore?: string;
  id?: string;
};

export const predictionsSearch = (raw: RawSearch): PredictionsSearch =>
  compact({
    endpoint: text(raw.endpoint),
    arm: oneOf(raw.arm, ARMS),
    version: text(raw.version),
    status: text(raw.status),
    labelled: oneOf(raw.labelled, LABELLED),
    outcome: oneOf(raw.outcome, OUTCOMES),
    entity: text(raw.entity),
    minScore: text(raw.minScore),
    id: text(raw.id),
  });
