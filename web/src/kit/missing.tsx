import { Link } from '@tanstack/react-router';
import { Empty } from './empty.tsx';

/** The address names something that is not here (any more): what, and where those are that are. */
export function Missing(props: {
  readonly what: string;
  readonly name: string;
  /** Address and name of the list of them. */
  readonly list: string;
  readonly listName: string;
}) {
  const { what, name, list, listName } = props;
  return (
    <Empty main title={`There is no ${what} “${name}”`}>
      It may have been deleted or renamed, or the link is of another server.{' '}
      <Link to={list} className="text-accent underline">
        {listName}
      </Link>{' '}
      shows those that are here.
    </Empty>
  );
}
