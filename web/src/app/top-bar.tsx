import { useQuery } from '@tanstack/react-query';
import { Link, useMatches } from '@tanstack/react-router';
import { Monitor, Moon, Search, Sun } from 'lucide-react';
import { Fragment, useEffect } from 'react';
import { turnQuery } from '../api/queries.ts';
import { IconButton } from '../kit/button.tsx';
import { LiveMark } from './live-mark.tsx';
import { chooseTheme, type ThemeChoice, useThemeChoice } from './theme.ts';

/** `turnId` is shown as the turn's own name once it is known. */
export type Crumb = { readonly label: string; readonly to?: string; readonly turnId?: string };

const NEXT_THEME: Readonly<Record<ThemeChoice, ThemeChoice>> = {
  system: 'light',
  light: 'dark',
  dark: 'system',
};

/** Where we are, the way to anywhere else, and whether the page is live. */
export function TopBar(props: { readonly onSearch: () => void }) {
  const theme = useThemeChoice();
  const ThemeIcon = theme === 'system' ? Monitor : theme === 'light' ? Sun : Moon;
  return (
    <div className="sticky top-0 z-20 flex h-12 items-center gap-2 border-line border-b bg-bg px-4 sm:px-6 print:hidden">
      <Breadcrumb />
      <div className="ml-auto flex items-center gap-2 sm:gap-3">
        <LiveMark />
        <button
          type="button"
          onClick={props.onSearch}
          className="hidden h-7 w-44 items-center gap-2 rounded-control border border-line-strong bg-surface px-2 text-label text-muted hover:text-text sm:inline-flex"
        >
          <Search size={13} aria-hidden />
          Go to
          <kbd className="ml-auto text-faint">{/Mac|iP/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <IconButton
          label={`Theme: ${theme}. Change to ${NEXT_THEME[theme]}`}
          onClick={() => chooseTheme(NEXT_THEME[theme])}
        >
          <ThemeIcon size={15} aria-hidden />
        </IconButton>
      </div>
    </div>
  );
}

function Breadcrumb() {
  const matches = useMatches();
  const match = matches.findLast((each) => each.staticData.crumbs);
  const crumbs = match?.staticData.crumbs?.(match.params as Record<string, string>) ?? [];
  const title = [...crumbs.map((crumb) => crumb.label).toReversed(), 'Millrace'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <nav aria-label="Breadcrumb" className="flex min-w-0 items-center gap-1.5 text-muted">
      {crumbs.map((crumb, index) => (
        <Fragment key={`${crumb.to} ${crumb.label}`}>
          {index > 0 && (
            <span aria-hidden className="text-faint">
              /
            </span>
          )}
          {crumb.to && index < crumbs.length - 1 ? (
            <Link to={crumb.to} className={`hover:text-text ${index === 0 ? 'shrink-0' : 'truncate'}`}>
              {crumb.label}
            </Link>
          ) : (
            <span
              className="truncate text-text"
              aria-current={index === crumbs.length - 1 ? 'page' : undefined}
            >
              {crumb.turnId ? <TurnName id={crumb.turnId} /> : crumb.label}
            </span>
          )}
        </Fragment>
      ))}
    </nav>
  );
}

function TurnName(props: { readonly id: string }) {
  const turn = useQuery(turnQuery(props.id));
  return turn.data ? `${turn.data.loop}, turn ${turn.data.number}` : props.id.slice(-8);
}
