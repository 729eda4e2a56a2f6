import type { ErrorComponentProps } from '@tanstack/react-router';
import { useEffect } from 'react';
import { asProblem } from '../api/problem.ts';
import { Page, PageHead } from '../kit/page.tsx';
import { ProblemNote } from '../kit/panel.tsx';
import { isServerThere } from './load-screen.ts';

const LOOK_AGAIN_MS = 2000;

/** A screen that could not be drawn: the frame stays, the fault is told, and the way on is one click. */
export function ScreenFault(props: ErrorComponentProps) {
  return asProblem(props.error).code === 'unreachable' ? (
    <ServerAway error={props.error} />
  ) : (
    <Page>
      <PageHead
        title="This screen could not be drawn"
        sentence="The rest of the product goes on; the fault is in the browser's console too."
      />
      <ProblemNote error={props.error} onRetry={props.reset} />
    </Page>
  );
}

/** Until the server answers again, which loads the page. */
function ServerAway(props: { readonly error: unknown }) {
  useEffect(() => {
    const timer = setInterval(async () => {
      if (await isServerThere()) location.reload();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Page>
      <PageHead
        title="This screen is not loaded yet"
        sentence="The screens you have seen before stay readable."
      />
      <ProblemNote error={props.error} />
    </Page>
  );
}
