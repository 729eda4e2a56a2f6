import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/** `turn` shows the roll-out of an earlier turn instead of the present one. */
export type EndpointSearch = { turn?: string };

export const endpointSearch = (raw: RawSearch): EndpointSearch => compact({ turn: text(raw.turn) });
