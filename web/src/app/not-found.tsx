import { Link } from '@tanstack/react-router';
import { Empty } from '../kit/empty.tsx';

export function NotFound() {
  return (
    <Empty main title="There is no screen at this address">
      The link may be old. Start from the{' '}
      <Link to="/" className="text-accent underline">
        loop
      </Link>{' '}
      or press <kbd>g</kbd> <kbd>l</kbd>.
    </Empty>
  );
}
