import { Dialog, DialogHead } from '../kit/dialog.tsx';
import { useShortcutList } from '../kit/shortcuts.tsx';

/** All keys that work on this screen now. */
export function ShortcutSheet(props: { readonly open: boolean; readonly onClose: () => void }) {
  const list = useShortcutList();
  return (
    <Dialog open={props.open} onClose={props.onClose} label="Keyboard shortcuts">
      <DialogHead title="Keyboard shortcuts" onClose={props.onClose} />
      <dl className="grid max-h-[60vh] grid-cols-[max-content_1fr] gap-x-6 gap-y-2 overflow-y-auto p-4 sm:grid-cols-[max-content_1fr_max-content_1fr]">
        {list().map((shortcut) => (
          <div key={shortcut.keys} className="contents">
            <dt className="text-right">
              <kbd className="rounded-control border border-line-strong px-1.5 py-0.5 text-muted">
                {shortcut.keys.replace('mod+', /Mac|iP/.test(navigator.userAgent) ? '⌘ ' : 'Ctrl ')}
              </kbd>
            </dt>
            <dd>{shortcut.label}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
