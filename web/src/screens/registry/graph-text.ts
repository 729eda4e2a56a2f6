import type { GraphStep } from '../../../../src/core/package-runtime.ts';

type Combining = Exclude<GraphStep, { readonly kind: 'model' | 'sequence' }>;

/** One way through a step that has several. */
type GraphBranch = {
  /** Which rows go this way, or how much it counts. */
  readonly label: string;
  /** Null: rows that come here are refused. */
  readonly step: GraphStep | null;
};

/** What a step does with its branches, in words. */
export function branchingText(step: Combining): string {
  switch (step.kind) {
    case 'switch':
      return `each row by its ${step.field}`;
    case 'splitter':
      return `each row by a hash of ${step.by ?? 'all its values'}`;
    case 'ensemble':
      return step.combine === 'vote'
        ? 'every row by all of them: the label with most weight'
        : 'every row by all of them: their weighted mean';
  }
}

/** The branches of a step, in its order, each with what leads there: a share in percent, values, or a weight. */
export function branchesOf(step: Combining): readonly GraphBranch[] {
  if (step.kind === 'switch') {
    const cases = step.cases.map(({ equals, step: inner }) => ({ label: equals.join(', '), step: inner }));
    return [
      ...cases,
      { label: step.otherwise ? 'all others' : 'all others are refused', step: step.otherwise },
    ];
  }
  const branches = step.kind === 'splitter' ? step.branches : step.members;
  const total = branches.reduce((sum, { weight }) => sum + weight, 0);
  return branches.map(({ weight, step: inner }) => {
    const percent = `${Number(((weight / total) * 100).toPrecision(3))}\u202f%`;
    return {
      label: step.kind === 'splitter' ? `${percent} of rows` : `${percent} of the weight`,
      step: inner,
    };
  });
}

/** Columns that a model takes or gives under another name: `a2 → a`; empty where all keep theirs. */
export function renamed(names: Readonly<Record<string, string>> | undefined, way: 'in' | 'out'): string {
  return Object.entries(names ?? {})
    .filter(([own, other]) => own !== other)
    .map(([own, other]) => (way === 'in' ? `${other} → ${own}` : `${own} → ${other}`))
    .join(', ');
}
