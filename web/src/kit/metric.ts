import type { Direction } from './number.tsx';

type MetricText = { readonly title: string; readonly better: Direction };

const METRICS: Readonly<Record<string, MetricText>> = {
  absoluteError: { title: 'Absolute error', better: 'lower' },
  squaredError: { title: 'Squared error', better: 'lower' },
  outcome: { title: 'Outcome', better: 'higher' },
  value: { title: 'Value of the decision', better: 'higher' },
  auc: { title: 'AUC', better: 'higher' },
  logLoss: { title: 'Log loss', better: 'lower' },
  brier: { title: 'Brier score', better: 'lower' },
  ece: { title: 'Calibration error', better: 'lower' },
  accuracy: { title: 'Accuracy', better: 'higher' },
  balancedAccuracy: { title: 'Balanced accuracy', better: 'higher' },
  precision: { title: 'Precision', better: 'higher' },
  recall: { title: 'Recall', better: 'higher' },
  specificity: { title: 'Specificity', better: 'higher' },
  f1: { title: 'F1', better: 'higher' },
  mcc: { title: 'Matthews correlation', better: 'higher' },
};

/** How a metric is called and which way is better; a name that is not known stands for itself. */
export function metricText(name: string): MetricText {
  return METRICS[name] ?? { title: name, better: 'higher' };
}
