import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { datasetVersionQuery } from '../api/queries.ts';

/** A dataset version by its name and number, with the way to its panel. */
export function DatasetLink(props: { readonly id: string }) {
  const version = useQuery(datasetVersionQuery(props.id));
  return (
    <Link to="/datasets" search={{ version: props.id }} className="text-accent">
      {version.data ? `${version.data.dataset} v${version.data.version}` : 'dataset version'}
    </Link>
  );
}
