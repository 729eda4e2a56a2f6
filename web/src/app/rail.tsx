import { Link } from '@tanstack/react-router';
import { PanelLeftClose, PanelLeftOpen } from 'lucide-react';
import { STAGES, type State, type WheelStates } from '../charts/prepare/wheel.ts';
import { IconButton } from '../kit/button.tsx';
import { Wheel } from '../kit/wheel.tsx';
import { type NavItem, navGroups, recordItems } from './nav.ts';

const ROW =
  'flex h-8 items-center gap-2.5 rounded-control px-2 text-muted transition-colors hover:bg-sunken hover:text-text data-[status=active]:bg-accent-quiet data-[status=active]:text-text data-[status=active]:font-strong';

function RailLink(props: { readonly item: NavItem; readonly open: boolean }) {
  const { item, open } = props;
  const Icon = item.icon;
  return (
    <Link to={item.to} className={ROW} data-tip={open ? undefined : item.label} aria-label={item.label}>
      <Icon size={15} aria-hidden className="shrink-0" />
      {open && <span className="truncate">{item.label}</span>}
    </Link>
  );
}

/** The rail: the wheel, then the screens in the order of the loop. */
export function Rail(props: {
  readonly open: boolean;
  readonly onToggle: () => void;
  readonly worst: State;
}) {
  const { open, onToggle, worst } = props;
  const states = Object.fromEntries(
    STAGES.map((stage) => [stage, worst === 'none' ? 'none' : 'good']),
  ) as WheelStates;
  return (
    <nav
      aria-label="Screens"
      className={`sticky top-0 hidden h-dvh shrink-0 flex-col gap-1 overflow-y-auto border-line border-r bg-bg px-2 pb-2 sm:flex print:hidden ${open ? 'w-52' : 'w-14'}`}
    >
      <Link to="/" className="flex h-14 items-center gap-2.5 px-2" aria-label="Millrace, to the loop">
        <Wheel states={states} size={22} plain />
        {open && <span className="font-strong text-section">Millrace</span>}
      </Link>
      <Link
        to="/"
        activeOptions={{ exact: true }}
        className={ROW}
        aria-label="Loop"
        data-tip={open ? undefined : 'Loop'}
      >
        <LoopIcon />
        {open && 'Loop'}
      </Link>
      {navGroups.map((group) => (
        <div key={group.title} className="flex flex-col gap-0.5 pt-3">
          {open ? (
            <div className="px-2 pb-0.5 text-faint text-label">{group.title}</div>
          ) : (
            <div className="mx-2 mb-1 border-line border-t" aria-hidden />
          )}
          {group.items.map((item) => (
            <RailLink key={item.to} item={item} open={open} />
          ))}
        </div>
      ))}
      <div className="mt-auto flex flex-col gap-0.5 pt-3">
        {recordItems.map((item) => (
          <RailLink key={item.to} item={item} open={open} />
        ))}
        <IconButton label={open ? 'Narrow the rail' : 'Widen the rail'} onClick={onToggle} className="ml-0.5">
          {open ? <PanelLeftClose size={15} aria-hidden /> : <PanelLeftOpen size={15} aria-hidden />}
        </IconButton>
      </div>
    </nav>
  );
}

/** Three fifths of a turn: the wheel as a line icon, in the weight of the others. */
export function LoopIcon() {
  return (
    <svg
      width="15"
      height="15"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      className="shrink-0"
      aria-hidden="true"
    >
      <circle cx="12" cy="12" r="9" strokeDasharray="8.3 3" strokeDashoffset="4" />
    </svg>
  );
}
