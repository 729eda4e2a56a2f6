import { Link } from '@tanstack/react-router';
import { Activity, Menu, Route as RouteIcon } from 'lucide-react';
import { LoopIcon } from './rail.tsx';

const TAB =
  'flex flex-1 flex-col items-center gap-0.5 py-2 text-label text-muted data-[status=active]:text-accent data-[status=active]:font-strong';

/** The rail of a phone: the three screens of somebody on call, and the palette for the rest. */
export function BottomBar(props: { readonly onMore: () => void }) {
  return (
    <nav
      aria-label="Screens"
      className="fixed inset-x-0 bottom-0 z-20 flex border-line border-t bg-raised pb-[env(safe-area-inset-bottom)] sm:hidden print:hidden"
    >
      <Link to="/" activeOptions={{ exact: true }} className={TAB}>
        <LoopIcon />
        Loop
      </Link>
      <Link to="/endpoints" className={TAB}>
        <RouteIcon size={16} aria-hidden />
        Deployment
      </Link>
      <Link to="/monitoring" className={TAB}>
        <Activity size={16} aria-hidden />
        Monitoring
      </Link>
      <button type="button" className={TAB} onClick={props.onMore}>
        <Menu size={16} aria-hidden />
        More
      </button>
    </nav>
  );
}
