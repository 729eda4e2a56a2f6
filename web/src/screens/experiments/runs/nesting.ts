import { useQueries } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { childrenQuery, PARENT_TAG } from '../../../api/tracking.ts';
import { useStable } from '../../../kit/use-stable.ts';
import type { RunRow } from './grid-columns.tsx';

const CHUNK = 100;

/**
 * The rows of a table: as they come, or with child runs folded under their parents. Children are asked for a
 * hundred parents at a time, one level below what is unfolded.
 */
export function useRows(
  runs: readonly Run[],
  nested: boolean,
  fields: string,
): { readonly rows: readonly RunRow[]; readonly fold: (runId: string) => void } {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [known, setKnown] = useState<readonly string[]>([]);
  const roots = nested ? runs.map((run) => run.id) : [];
  const parents = [...roots, ...(nested ? known : [])];
  const chunks = Array.from({ length: Math.ceil(parents.length / CHUNK) }, (_, index) =>
    parents.slice(index * CHUNK, (index + 1) * CHUNK),
  );
  const answers = useQueries({ queries: chunks.map((ids) => childrenQuery(ids, fields)) });
  const found = useStable(answers.map((answer) => answer.data));
  const children = useMemo(() => {
    const map = new Map<string, Run[]>();
    for (const run of found.flatMap((runs) => runs ?? [])) {
      const parent = run.tags[PARENT_TAG] ?? '';
      const list = map.get(parent) ?? [];
      if (!list.some((each) => each.id === run.id)) list.push(run);
      map.set(parent, list);
    }
    return map;
  }, [found]);
  const rows = useMemo(() => {
    if (!nested) return runs.map((run): RunRow => ({ run, depth: 0, children: 0, open: false }));
    const out: RunRow[] = [];
    const add = (run: Run, depth: number): void => {
      const own = children.get(run.id) ?? [];
      const isOpen = open.has(run.id);
      out.push({ run, depth, children: own.length, open: isOpen });
      if (isOpen) for (const child of own) add(child, depth + 1);
    };
    for (const run of runs) add(run, 0);
    return out;
  }, [runs, nested, children, open]);
  const now = useRef({ open, known, children });
  now.current = { open, known, children };
  const fold = useCallback((runId: string): void => {
    const next = new Set(now.current.open);
    if (!next.delete(runId)) {
      next.add(runId);
      const own = (now.current.children.get(runId) ?? []).map((run) => run.id);
      const ids = own.filter((id) => !now.current.known.includes(id));
      if (ids.length > 0) setKnown([...now.current.known, ...ids]);
    }
    setOpen(next);
  }, []);
  return { rows, fold };
}
