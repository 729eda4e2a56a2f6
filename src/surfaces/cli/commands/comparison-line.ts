import { type ArmComparison, comparisonText } from '../contract.ts';

/** `challenger: log loss worse by 0.0120 so far, not proved (from 0.0250 worse to 0.0010 better) on 812 pairs`. */
export function comparisonLine(compared: ArmComparison): string {
  return `${compared.arm}: ${comparisonText(compared)}`;
}
