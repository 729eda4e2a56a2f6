import { Download } from 'lucide-react';
import { useRef, useState } from 'react';
import { asProblem } from '../../../api/problem.ts';
import type { RunsView } from '../../../api/tracking.ts';
import { Button } from '../../../kit/button.tsx';
import { plural } from '../../../kit/format.ts';
import type { ColumnRef } from './columns.ts';
import { runsCsv } from './csv.ts';

/** Saves every run of the view with the shown columns; a second click stops it. */
export function CsvButton(props: { readonly view: RunsView; readonly columns: readonly ColumnRef[] }) {
  const [count, setCount] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const save = async (): Promise<void> => {
    if (running.current) {
      running.current.abort();
      return;
    }
    const controller = new AbortController();
    running.current = controller;
    setProblem(null);
    setCount(0);
    try {
      const blob = await runsCsv(props.view, props.columns, setCount, controller.signal);
      const url = URL.createObjectURL(blob);
      const link = Object.assign(document.createElement('a'), { href: url, download: 'runs.csv' });
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(asProblem(error).title);
    } finally {
      running.current = null;
      setCount(null);
    }
  };
  return (
    <span className="inline-flex items-center gap-2">
      <Button
        icon={<Download size={14} aria-hidden />}
        data-tip={count === null ? 'Every run of this view with the columns shown' : 'Stop'}
        onClick={() => void save()}
      >
        {count === null ? 'CSV' : `${plural(count, 'run')} …`}
      </Button>
      {problem && (
        <span role="alert" className="text-bad text-label">
          {problem}
        </span>
      )}
    </span>
  );
}
