import { Outlet, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { useShortcut } from '../kit/shortcuts.tsx';
import { PANEL_SLOT } from '../kit/side-panel.tsx';
import { TipLayer } from '../kit/tip.tsx';
import { BottomBar } from './bottom-bar.tsx';
import { useFavicon } from './favicon.ts';
import { navItems } from './nav.ts';
import { Palette } from './palette.tsx';
import { Rail } from './rail.tsx';
import { ShortcutSheet } from './shortcut-sheet.tsx';
import { chooseTheme } from './theme.ts';
import { TopBar } from './top-bar.tsx';

const RAIL_KEY = 'millrace.rail';

function GoShortcut(props: { readonly keys: string; readonly label: string; readonly to: string }) {
  const navigate = useNavigate();
  useShortcut(props.keys, props.label, () => void navigate({ to: props.to }));
  return null;
}

/** The frame round every screen. */
export function Shell() {
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const [railOpen, setRailOpen] = useState(
    () => localStorage.getItem(RAIL_KEY) !== 'narrow' && innerWidth >= 960,
  );
  const worst = useFavicon();
  const openPalette = useCallback(() => setPalette(true), []);
  const closePalette = useCallback(() => setPalette(false), []);
  const closeSheet = useCallback(() => setSheet(false), []);
  useShortcut('mod+k', 'Go to anything', () => setPalette((open) => !open));
  useShortcut('?', 'This sheet', () => setSheet(true));
  useShortcut('/', 'Search on this screen', () => {
    const field = document.querySelector<HTMLInputElement>('main input[inputmode="search"]');
    if (field) field.focus();
    else setPalette(true);
  });
  useShortcut('t', 'Switch light and dark', () =>
    chooseTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'),
  );
  const toggleRail = (): void => {
    setRailOpen(!railOpen);
    localStorage.setItem(RAIL_KEY, railOpen ? 'narrow' : 'wide');
  };
  return (
    <div className="flex min-h-dvh bg-bg print:block print:bg-surface">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:bg-raised focus:px-3 focus:py-2"
      >
        To the content
      </a>
      <Rail open={railOpen} onToggle={toggleRail} worst={worst} />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar onSearch={openPalette} />
        <main id="main" tabIndex={-1} className="min-w-0 outline-none flex-1 pb-16 sm:pb-4">
          <Outlet />
          {/* On the top layer, wherever it stands; here it is part of a landmark. */}
          <TipLayer />
        </main>
      </div>
      <div id={PANEL_SLOT} className="contents" />
      <BottomBar onMore={openPalette} />
      <Palette open={palette} onClose={closePalette} onSheet={() => setSheet(true)} />
      <ShortcutSheet open={sheet} onClose={closeSheet} />
      <GoShortcut keys="g l" label="Loop" to="/" />
      {navItems.map((item) => (
        <GoShortcut key={item.to} keys={`g ${item.key}`} label={item.label} to={item.to} />
      ))}
    </div>
  );
}
