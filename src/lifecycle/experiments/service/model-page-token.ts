import { fail } from '../../../core/errors.ts';
import type { LoggedModelOrder } from '../store/search-models.ts';
import { invalidParameter, pythonRepr } from '../validation.ts';

/** What a search of logged models asks for, but for its page. */
interface AskedModels {
  readonly experimentIds: readonly string[];
  readonly filter: string | null;
  readonly order: readonly LoggedModelOrder[];
}

/** The token of a next page, good for this question alone. */
export function tokenFor(asked: AskedModels, next: string): string {
  return Buffer.from(JSON.stringify({ ...told(asked), next })).toString('base64');
}

/**
 * What `tokenFor` was given as `next`. Throws `tracking_invalid` with MLflow's texts for the token of another
 * question, `invalid_page_token` for what is no token.
 */
export function nextOf(asked: AskedModels, token: string): string {
  const found = read(token);
  const now = told(asked);
  const differs = (what: string, does: string, key: keyof typeof now): void => {
    if (found[key] === now[key]) return;
    throw invalidParameter(
      `${what} in the page token ${does} not match the requested ${what.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase())}. Expected: ${now[key]}. Found: ${found[key]}`,
    );
  };
  differs('Experiment IDs', 'do', 'experiments');
  differs('Filter string', 'does', 'filter');
  differs('Order by', 'does', 'order');
  return String(found.next);
}

function read(token: string): Readonly<Record<string, unknown>> {
  try {
    const found: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    if (typeof found === 'object' && found !== null && 'next' in found) return { ...found };
  } catch {
    // Falls through to the error below.
  }
  throw fail('invalid_page_token', { value: token });
}

/** The question as Python writes its parts. */
function told({ experimentIds, filter, order }: AskedModels) {
  const orNone = (text: string | null | undefined) => (text ? pythonRepr(text) : 'None');
  const orders = order.map(
    ({ field, ascending, dataset }) =>
      `{'field_name': ${pythonRepr(field)}, 'ascending': ${ascending ? 'True' : 'False'}, 'dataset_name': ${orNone(dataset.name)}, 'dataset_digest': ${orNone(dataset.digest)}}`,
  );
  return {
    experiments: `[${experimentIds.map(pythonRepr).join(', ')}]`,
    filter: filter || 'None',
    order: orders.length > 0 ? `[${orders.join(', ')}]` : 'None',
  };
}
