import { useState } from 'react';
import { Choice } from '../../../kit/fields.tsx';

/**
 * A logged page in a frame of an origin of its own, which can reach neither this page nor the server: the frame is
 * sandboxed without `allow-same-origin`, and the file comes with a policy that lets it load nothing.
 */
export function HtmlFrame(props: { readonly url: string; readonly name: string }) {
  const [mode, setMode] = useState<'still' | 'scripts'>('still');
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Choice
          label="Scripts of the file"
          value={mode}
          options={[
            ['still', 'Without scripts'],
            ['scripts', 'Run its scripts'],
          ]}
          onChange={setMode}
        />
        <span className="text-label text-muted">
          {mode === 'still'
            ? 'Shown without running anything.'
            : 'Closed in: it reaches neither this page, nor the server, nor the network. What it wants to load stays away.'}
        </span>
      </div>
      <iframe
        key={mode}
        src={props.url}
        title={props.name}
        sandbox={mode === 'scripts' ? 'allow-scripts' : ''}
        referrerPolicy="no-referrer"
        // Logged pages are written for white paper, whatever the theme.
        className="h-[70vh] w-full rounded-control border border-line"
        style={{ background: 'white', colorScheme: 'light' }}
      />
    </div>
  );
}
