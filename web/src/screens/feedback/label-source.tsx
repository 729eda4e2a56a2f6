import { Link } from '@tanstack/react-router';

/** Where a label came from, in words; a file and a query are linked to what is known of them. */
export function LabelSource(props: { readonly source: string; readonly endpoint: string }) {
  const { source, endpoint } = props;
  const [kind, ...rest] = source.split(':');
  const name = rest.join(':');
  if (kind === 'rule') return 'by the rule of signals';
  if (name === '') return 'sent by a program';
  if (kind !== 'upload' && kind !== 'query') return source;
  return (
    <>
      from {kind === 'upload' ? 'a' : 'the query'}{' '}
      <Link
        to="/predictions"
        search={{ endpoint, view: 'labels' }}
        hash={kind === 'upload' ? `file-${name}` : `query-${name}`}
        className="text-accent underline underline-offset-2"
      >
        {kind === 'upload' ? 'file' : <bdi>{name}</bdi>}
      </Link>
    </>
  );
}
