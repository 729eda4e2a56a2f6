/** The way of a version from one endpoint to another of the same model. Pure. */
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { byName } from '../../kit/by-name.ts';
import { trafficText } from '../../kit/endpoints/endpoint-standing.ts';
import { formatPercent } from '../../kit/format.ts';

export const championOf = ({ arms }: Pick<Endpoint, 'arms'>) => arms.find((arm) => arm.arm === 'champion');

/**
 * Where the champion may go on to: other endpoints of its model, those of another environment first, of these
 * production first.
 */
export function promotable(from: Endpoint, all: readonly Endpoint[]): readonly Endpoint[] {
  const rank = ({ options: { environment } }: Endpoint): number => {
    if (environment === null || environment === from.options.environment) return 2;
    return environment === 'production' ? 0 : 1;
  };
  return all
    .filter(({ name, model }) => model === from.model && name !== from.name)
    .toSorted((a, b) => rank(a) - rank(b) || byName(a.name, b.name));
}

/** `sea (production): v1 answers everything` */
export function placeText(endpoint: Endpoint): string {
  const { environment } = endpoint.options;
  return `${endpoint.name}${environment === null ? '' : ` (${environment})`}: ${trafficText(endpoint).replace(/\.$/, '')}`;
}

const MANY = 4;

/** Who is tried beside the champion, with traffic or with copies of it: `v2 is`, `19 versions are`; null: nobody. */
export function triedBeside({ arms, shadow }: Pick<Endpoint, 'arms' | 'shadow'>): string | null {
  const tried = arms.filter(({ arm, weight }) => arm !== 'champion' && weight > 0);
  const versions = [
    ...new Set([...tried, ...(shadow ? [shadow] : [])].map((each) => `v${each.modelVersion}`)),
  ];
  if (versions.length === 0) return null;
  const names = versions.length < MANY ? versions.join(', ') : `${versions.length} versions`;
  return `${names} ${versions.length === 1 ? 'is' : 'are'}`;
}

/** A share of the traffic, 0..1, from what was typed in percent; null: it is none. */
export function shareOf(percent: string): number | null {
  const value = Number(percent.trim());
  return percent.trim() !== '' && value >= 0 && value <= 100 ? value / 100 : null;
}

/** What the change does at the other endpoint, in numbers. */
export function effectThere(
  version: string,
  target: Endpoint,
  as: 'challenger' | 'champion',
  share: number,
  isThere: boolean,
): string {
  const there = championOf(target);
  if (isThere) return `v${version} answers at ${target.name} already.`;
  if (!there) return `v${version} answers everything at ${target.name}, where no version is deployed yet.`;
  const others = target.arms.filter((arm) => arm !== there && arm.weight > 0);
  const mine = others.find((arm) => arm.modelVersion === version);
  const losing = others.filter((arm) => arm !== mine).map((arm) => `v${arm.modelVersion}`);
  const gone =
    losing.length === 0
      ? ''
      : ` ${losing.length > 3 ? `${losing.length} other versions lose` : `${losing.join(', ')} ${losing.length === 1 ? 'loses' : 'lose'}`} the share that ${losing.length === 1 ? 'it has' : 'they have'} there now.`;
  const before = mine ? ` instead of ${formatPercent(mine.weight)}` : '';
  return as === 'champion'
    ? `All traffic of ${target.name} goes to v${version} at once; v${there.modelVersion} answers no more.${gone}`
    : `v${version} answers ${formatPercent(share)}${before} of the requests to ${target.name} at once, v${there.modelVersion} the others.${gone}`;
}
