import { logGamma } from '../special/log-gamma.ts';

/** What counts say of the probabilities that they should arise with. */
interface MultinomialTest {
  /** Natural logarithm of the evidence against the probabilities; stop when it reaches ln(1/alpha). */
  readonly logEvidence: number;
  /** min(1, 1/evidence): at most alpha with probability alpha over all times together. */
  readonly pValue: number;
}

/**
 * Anytime-valid test that counts arise with the given probabilities: Dirichlet-multinomial Bayes factor with the
 * prior centred on them, so that it may be computed after each observation and stopped at will.
 *
 * Use: sample ratio mismatch (requests per arm against the weights of the split). Test each constant split by
 * itself and add the logarithms. No observations: p 1.
 *
 * @param probabilities positive, sum 1; a category of probability 0 does not belong here
 * @param concentration prior observations; larger = more sensitive to small departures, later to large ones
 * Source: Lindon, Malek (2022), "Anytime-valid inference for multinomial count data".
 */
export function multinomialTest(
  counts: readonly number[],
  probabilities: readonly number[],
  concentration = 100,
): MultinomialTest {
  const n = counts.reduce((sum, count) => sum + count, 0);
  let logEvidence = logGamma(concentration) - logGamma(concentration + n);
  counts.forEach((count, k) => {
    const p = probabilities[k]!;
    const prior = concentration * p;
    logEvidence += logGamma(prior + count) - logGamma(prior) - count * Math.log(p);
  });
  return { logEvidence, pValue: Math.min(1, Math.exp(-logEvidence)) };
}
