import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/** `version` opens the panel of a dataset version by its id. */
type DatasetSearch = { version?: string };

export const datasetSearch = (raw: RawSearch): DatasetSearch => compact({ version: text(raw.version) });
