import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { retiredEndpointsQuery } from '../../api/queries.ts';
import { plural } from '../../kit/format.ts';
import { Card } from '../../kit/panel.tsx';
import { Ago } from '../../kit/time.tsx';

/** Endpoints that were taken out of service, folded; nothing where there are none. */
export function RetiredCard() {
  const retired = useQuery(retiredEndpointsQuery());
  const endpoints = retired.data?.items ?? [];
  if (endpoints.length === 0) return null;
  return (
    <Card>
      <details>
        <summary className="block text-muted">
          {plural(endpoints.length, 'retired endpoint')}: <span className="text-accent">show</span>
        </summary>
        <ul className="flex max-h-[520px] flex-col gap-2 overflow-y-auto pt-3">
          {endpoints.map(({ name, model, retiredAt }) => (
            <li key={name} className="wrap-anywhere flex flex-wrap gap-x-3">
              <Link to="/endpoints/$endpoint" params={{ endpoint: name }} className="text-accent">
                {name}
              </Link>
              <span className="text-muted">
                model {model}, retired <Ago at={retiredAt ?? ''} />
              </span>
            </li>
          ))}
        </ul>
      </details>
    </Card>
  );
}
