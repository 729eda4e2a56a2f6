import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/** The list of models: a part of their names. */
type ModelsSearch = { query?: string };

export const modelsSearch = (raw: RawSearch): ModelsSearch => compact({ query: text(raw.query) });

/** Which two versions are compared. */
type VersionsSearch = { from?: string; to?: string };

export const versionsSearch = (raw: RawSearch): VersionsSearch =>
  compact({ from: text(raw.from), to: text(raw.to) });

/** `webhook` opens the panel of one. */
type WebhooksSearch = { webhook?: string };

export const webhooksSearch = (raw: RawSearch): WebhooksSearch => compact({ webhook: text(raw.webhook) });
