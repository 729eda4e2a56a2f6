import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useState } from 'react';
import { endpointsQuery, loopsQuery, modelsQuery } from '../api/queries.ts';
import { Dialog } from '../kit/dialog.tsx';
import { navItems } from './nav.ts';
import { type Command, rankCommands } from './rank-commands.ts';
import { chooseTheme } from './theme.ts';

/** Everything reachable by typing: screens, models, deployments, loops, themes. */
export function Palette(props: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onSheet: () => void;
}) {
  return (
    <Dialog
      open={props.open}
      onClose={props.onClose}
      label="Go to"
      className="mt-[12vh] w-[min(560px,calc(100vw-24px))]"
    >
      <PaletteBody onClose={props.onClose} onSheet={props.onSheet} />
    </Dialog>
  );
}

function PaletteBody(props: { readonly onClose: () => void; readonly onSheet: () => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [cursor, setCursor] = useState(0);
  const loops = useQuery(loopsQuery());
  const models = useQuery(modelsQuery());
  const endpoints = useQuery(endpointsQuery());
  const go = (to: string) => () => void navigate({ to });
  const commands: Command[] = [
    {
      id: 'loop',
      label: 'Loop',
      note: 'Which models are healthy, and what waits for me?',
      hint: 'g l',
      run: go('/'),
    },
    ...navItems.map((item) => ({
      id: item.to,
      label: item.label,
      note: item.question,
      hint: `g ${item.key}`,
      run: go(item.to),
    })),
    ...(loops.data?.items ?? []).map((loop) => ({
      id: `loop ${loop.name}`,
      label: loop.name,
      note: 'loop',
      run: go(`/loops/${loop.name}`),
    })),
    ...(endpoints.data?.items ?? []).map((each) => ({
      id: `endpoint ${each.name}`,
      label: each.name,
      note: 'deployment',
      run: go(`/endpoints/${each.name}`),
    })),
    ...(models.data?.items ?? []).flatMap((model) =>
      Object.entries(model.aliases).map(([alias, version]) => ({
        id: `model ${model.name} ${alias}`,
        label: `${model.name} v${version}`,
        note: `model version, ${alias}`,
        run: go(`/models/${model.name}/versions/${version}`),
      })),
    ),
    { id: 'light', label: 'Theme: light', note: '', run: () => chooseTheme('light') },
    { id: 'dark', label: 'Theme: dark', note: '', run: () => chooseTheme('dark') },
    { id: 'system', label: 'Theme: as the system', note: '', run: () => chooseTheme('system') },
    { id: 'keys', label: 'Keyboard shortcuts', note: '', hint: '?', run: props.onSheet },
  ];
  const found = rankCommands(commands, text).slice(0, 12);
  const at = Math.min(cursor, Math.max(0, found.length - 1));
  const pick = (command: Command | undefined): void => {
    if (!command) return;
    props.onClose();
    command.run();
  };
  return (
    <div>
      <label className="flex h-12 items-center gap-3 border-line border-b px-4">
        <Search size={16} aria-hidden className="text-faint" />
        <input
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={found[at] ? `palette-${at}` : undefined}
          aria-label="Go to"
          placeholder="Go to a screen, model or deployment"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setCursor(0);
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') setCursor(Math.min(found.length - 1, at + 1));
            else if (event.key === 'ArrowUp') setCursor(Math.max(0, at - 1));
            else if (event.key === 'Enter') pick(found[at]);
            else return;
            event.preventDefault();
          }}
          className="min-w-0 flex-1 bg-transparent text-lead outline-none placeholder:text-faint"
        />
        <kbd className="text-faint">Esc</kbd>
      </label>
      <div
        id="palette-list"
        role="listbox"
        aria-label="Results"
        className="max-h-[50vh] overflow-y-auto p-1.5"
      >
        {found.map((command, index) => (
          // The input keeps the focus, which the dialog gives to the first that can have it, and drives the list.
          <button
            type="button"
            tabIndex={-1}
            key={command.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerMove={() => setCursor(index)}
            onClick={() => pick(command)}
            className="flex h-9 w-full items-center gap-3 rounded-control px-2.5 text-left aria-selected:bg-accent-quiet"
          >
            <span className="whitespace-nowrap">{command.label}</span>
            <span className="min-w-0 truncate text-label text-muted">{command.note}</span>
            {command.hint && <kbd className="ml-auto whitespace-nowrap text-muted">{command.hint}</kbd>}
          </button>
        ))}
        {found.length === 0 && <p className="px-2.5 py-3 text-muted">Nothing is called that.</p>}
      </div>
    </div>
  );
}
