/** Endpoints to choose from where what was retired is of interest too. Pure. */
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { byName } from '../by-name.ts';

/** Those in service, then those that were retired; each by name. */
export const inServiceFirst = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.toSorted(
    (a, b) => Number(a.retiredAt !== null) - Number(b.retiredAt !== null) || byName(a.name, b.name),
  );

export const endpointOption = ({ name, retiredAt }: Endpoint): readonly [string, string] => [
  name,
  retiredAt === null ? name : `${name} (retired)`,
];
