import { compact, type RawSearch, text } from '../../kit/search-params.ts';

export type AuditSearch = {
  actor?: string;
  action?: string;
  kind?: string;
  subject?: string;
  text?: string;
  from?: string;
  to?: string;
  entry?: string;
};

export const auditSearch = (raw: RawSearch): AuditSearch =>
  compact({
    actor: text(raw.actor),
    action: text(raw.action),
    kind: text(raw.kind),
    subject: text(raw.subject),
    text: text(raw.text),
    from: text(raw.from),
    to: text(raw.to),
    entry: text(raw.entry),
  });

/** `erasure` opens the panel of one. */
type ErasuresSearch = { erasure?: string };

export const erasuresSearch = (raw: RawSearch): ErasuresSearch => compact({ erasure: text(raw.erasure) });
