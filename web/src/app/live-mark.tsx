import { useLive } from '../api/context.tsx';
import { useNow } from '../kit/clock.ts';
import { formatRelative } from '../kit/format.ts';

/** Whether the page follows the server now; the only thing on it that moves. */
export function LiveMark() {
  const live = useLive();
  const now = useNow();
  if (live.status === 'live') {
    return (
      <span
        className="inline-flex items-center gap-1.5 text-label text-muted"
        data-tip="Changes appear by themselves"
        role="status"
      >
        <span className="pulse-live size-2 rounded-full bg-good" aria-hidden />
        live
      </span>
    );
  }
  const text = live.status === 'connecting' ? 'connecting' : `paused ${formatRelative(live.sinceMs, now)}`;
  return (
    <span
      className="inline-flex items-center gap-1.5 text-label text-muted"
      data-tip="The server does not send news now. What you see is the last known state; it goes on by itself."
      role="status"
    >
      <span className="size-2 rounded-full border-2 border-watch" aria-hidden />
      {text}
    </span>
  );
}
