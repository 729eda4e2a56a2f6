import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { stepLogQuery } from '../api/step-log.ts';
import { EmptyLine } from './empty.tsx';
import { plural } from './format.ts';
import { QueryView } from './panel.tsx';
import { Scroll } from './scroll.tsx';

/** So close to the end of a log somebody follows it. */
const NEAR_PX = 80;

/** What a step wrote, followed while it runs unless the reader has scrolled up. */
export function StepLogView(props: { readonly id: string; readonly running: boolean }) {
  const log = useQuery({ ...stepLogQuery(props.id), refetchInterval: props.running ? 1500 : false });
  const box = useRef<HTMLElement>(null);
  const heightBefore = useRef(0);
  const lines = log.data?.lines;
  useEffect(() => {
    const element = box.current;
    // New lines are what scrolls the log down.
    if (!element || !lines) return;
    const isFollowed = heightBefore.current - element.scrollTop - element.clientHeight < NEAR_PX;
    if (isFollowed) element.scrollTop = element.scrollHeight;
    heightBefore.current = element.scrollHeight;
  }, [lines]);
  return (
    <section className="flex flex-col gap-1.5">
      <h3 className="font-strong">Log</h3>
      <QueryView
        query={log}
        isEmpty={(data) => data.lines.length === 0}
        empty={<EmptyLine>This step wrote no line.</EmptyLine>}
      >
        {(data) => (
          <>
            {data.leftOut > 0 && (
              <p className="text-label text-muted">{plural(data.leftOut, 'earlier line')} left out.</p>
            )}
            <Scroll
              ref={box}
              label="Log"
              className="max-h-80 rounded-control border border-line bg-sunken px-3 py-2 font-mono text-label leading-5"
            >
              {data.lines.map((line) => (
                <div key={line.number} className="whitespace-pre-wrap break-words">
                  {line.text}
                </div>
              ))}
            </Scroll>
          </>
        )}
      </QueryView>
    </section>
  );
}
