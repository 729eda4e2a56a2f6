import { MillraceError } from '../../core/errors.ts';
import { Counter, type Registry } from '../../platform/metrics/index.ts';

const name = 'millrace_requests_refused_total';

/**
 * Counts requests that an endpoint's keys or limits kept out. They have no row in the prediction log, so that nobody
 * fills the disk with refusals. One series for each known endpoint and each of four codes.
 */
export function refusalCounter(registry: Registry): (endpoint: string, error: unknown) => void {
  const known = registry.getSingleMetric(name) as Counter<'endpoint' | 'code'> | undefined;
  const counter =
    known ??
    new Counter({
      name,
      help: 'Requests that keys or limits of an endpoint kept out',
      labelNames: ['endpoint', 'code'] as const,
      registers: [registry],
    });
  return (endpoint, error) => {
    if (error instanceof MillraceError) counter.inc({ endpoint, code: error.code });
  };
}
