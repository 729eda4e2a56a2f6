import { lazy, Suspense } from 'react';

const Markdown = lazy(() => import('./markdown.tsx').then((module) => ({ default: module.Markdown })));

/** What a person wrote, which MLflow's clients take for Markdown: as it was typed until it can be shown as it reads. */
export function Written(props: { readonly text: string }) {
  return (
    <Suspense fallback={<p className="whitespace-pre-line break-words">{props.text}</p>}>
      <Markdown text={props.text} />
    </Suspense>
  );
}
