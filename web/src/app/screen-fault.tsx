import type { ErrorComponentProps } from '@tanstack/react-router';
import { Page, PageHead } from '../kit/page.tsx';
import { ProblemNote } from '../kit/panel.tsx';

/** A screen that could not be drawn: the frame stays, the fault is told, and the way on is one click. */
export function ScreenFault(props: ErrorComponentProps) {
  return (
    <Page>
      <PageHead
        title="This screen could not be drawn"
        sentence="The rest of the product goes on; the fault is in the browser's console too."
      />
      <ProblemNote error={props.error} onRetry={props.reset} />
    </Page>
  );
}
