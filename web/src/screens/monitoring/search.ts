import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';

export const QUALITY_METRICS = ['logLoss', 'brier', 'auc', 'accuracy', 'ece'] as const;

/** `window` is the window that the drift table speaks of; `column` opens its panel. */
export type MonitoringSearch = {
  endpoint?: string;
  metric?: (typeof QUALITY_METRICS)[number];
  window?: string;
  column?: string;
  alert?: string;
};

export const monitoringSearch = (raw: RawSearch): MonitoringSearch =>
  compact({
    endpoint: text(raw.endpoint),
    metric: oneOf(raw.metric, QUALITY_METRICS),
    window: text(raw.window),
    column: text(raw.column),
    alert: text(raw.alert),
  });
