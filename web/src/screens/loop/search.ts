import { compact, type RawSearch, text } from '../../kit/search-params.ts';

type TurnsSearch = { loop?: string };

export const turnsSearch = (raw: RawSearch): TurnsSearch => compact({ loop: text(raw.loop) });

/** `step` opens the panel of one of the turn's steps. */
type TurnSearch = { step?: string };

export const turnSearch = (raw: RawSearch): TurnSearch => compact({ step: text(raw.step) });
