import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/**
 * `turn` shows the roll-out of an earlier turn of the loop, `rollout` an earlier one of an endpoint without a loop;
 * `metric` and `by` (a feature) say by what a shadow is looked at.
 */
export type EndpointSearch = { turn?: string; rollout?: string; metric?: string; by?: string };

export const endpointSearch = (raw: RawSearch): EndpointSearch =>
  compact({
    turn: text(raw.turn),
    rollout: text(raw.rollout),
    metric: text(raw.metric),
    by: text(raw.by),
  });

/** `batch` opens the panel of one. */
export type BatchesSearch = { batch?: string };

export const batchesSearch = (raw: RawSearch): BatchesSearch => compact({ batch: text(raw.batch) });
