import type { MetricDirection } from './contract.ts';

/** Words in the names of metrics that are better when they are smaller. */
const smallerIsBetter: ReadonlySet<string> = new Set(
  (
    'loss losses error errors err mae mse rmse msle rmsle mape smape wape mase medae mad rss sse perplexity ppl ' +
    'logloss crossentropy nll kl kld jsd wer cer ter fid kid brier ece mce hamming pinball deviance aic bic ' +
    'distance divergence regret latency duration time seconds ms delay cost fpr fnr fdr eer inertia ' +
    'hinge overfit drift penalty misses failures mistakes'
  ).split(' '),
);
const smallerPairs = /log_?loss|cross_?entropy|davies_?bouldin|false_?(positive|negative)s?(_|$)/;
/** scikit-learn writes its errors as negative scores, of which greater is better. */
const negated = /(^|[^a-z])neg(ative)?_/;

/**
 * Which way a metric is better, guessed from the words of its name (`val_loss`, `eval/rmse`, `logLoss`): smaller
 * for losses, errors, distances and costs, greater for everything else (accuracy, AUC, F1, reward, ...).
 */
export function guessDirection(key: string): MetricDirection {
  const snake = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  if (negated.test(snake)) return 'maximize';
  if (smallerPairs.test(snake)) return 'minimize';
  const words = snake.split(/[^a-z]+/);
  return words.some((word) => smallerIsBetter.has(word)) ? 'minimize' : 'maximize';
}
