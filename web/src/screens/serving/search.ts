import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/** `turn` shows the roll-out of an earlier turn of the loop, `rollout` an earlier one of an endpoint without a loop. */
export type EndpointSearch = { turn?: string; rollout?: string };

export const endpointSearch = (raw: RawSearch): EndpointSearch =>
  compact({ turn: text(raw.turn), rollout: text(raw.rollout) });

/** `batch` opens the panel of one. */
export type BatchesSearch = { batch?: string };

export const batchesSearch = (raw: RawSearch): BatchesSearch => compact({ batch: text(raw.batch) });
