/** Places of the nodes of a lineage: columns by kind, from cause to effect. Pure. */
import type {
  Lineage,
  LineageEdge,
  LineageKind,
  LineageNode,
} from '../../../../src/lifecycle/registry/contract/lineage.ts';

const COLUMNS: readonly LineageKind[] = ['dataset', 'run', 'logged-model', 'model-version', 'endpoint'];
export const NODE_WIDTH_PX = 148;
export const NODE_HEIGHT_PX = 64;
/** As wide as `challenger 100 %` is written. */
const GAP_X_PX = 98;
const GAP_Y_PX = 28;
/** The text of a line down a column stands right of it. */
const BESIDE_PX = 22;
const BASELINE_PX = 9;
/** More in one column than this would make the drawing longer than a screen. */
const MOST_PER_COLUMN = 8;

type PlacedNode = { readonly node: LineageNode; readonly x: number; readonly y: number };
type PlacedEdge = {
  readonly path: string;
  readonly label: string;
  /** What else the line stands for; empty mostly. */
  readonly below: string;
  readonly x: number;
  readonly y: number;
};
type LineageDrawing = {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
  /** How many nodes are not drawn, because their column is full. */
  readonly hiddenCount: number;
};

/** Nodes in columns, each column centred; edges as straight-ended curves from right to left sides. */
export function layoutLineage(lineage: Lineage): LineageDrawing {
  const columns = columnsOf(lineage);
  // The thing that was asked for is always drawn.
  const kept = columns.map((column) =>
    column
      .toSorted((a, b) => Number(b.id === lineage.subject) - Number(a.id === lineage.subject))
      .slice(0, MOST_PER_COLUMN),
  );
  const ordered = uncrossed(kept, lineage.edges);
  const tallest = Math.max(1, ...kept.map((column) => column.length));
  const height = tallest * (NODE_HEIGHT_PX + GAP_Y_PX) - GAP_Y_PX;
  const places = new Map<string, PlacedNode>();
  ordered.forEach((column, index) => {
    const own = column.length * (NODE_HEIGHT_PX + GAP_Y_PX) - GAP_Y_PX;
    column.forEach((node, row) => {
      places.set(node.id, {
        node,
        x: index * (NODE_WIDTH_PX + GAP_X_PX),
        y: (height - own) / 2 + row * (NODE_HEIGHT_PX + GAP_Y_PX),
      });
    });
  });
  const edges = joined(lineage.edges).flatMap((edge): PlacedEdge[] => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    if (!from || !to) return [];
    return [{ ...lineBetween(from, to), label: edge.label, below: edge.below }];
  });
  return {
    nodes: [...places.values()],
    edges,
    width: Math.max(1, kept.length) * (NODE_WIDTH_PX + GAP_X_PX) - GAP_X_PX,
    height,
    hiddenCount: lineage.nodes.length - places.size,
  };
}

/** The nodes by kind, from cause to effect; graphs of packages stand right of the versions they are made of. */
function columnsOf({ nodes, edges }: Lineage): readonly (readonly LineageNode[])[] {
  const levels = new Map<string, number>();
  const levelOf = (id: string): number => {
    const known = levels.get(id);
    if (known !== undefined) return known;
    const parts = edges.filter((edge) => edge.to === id && edge.label === 'part');
    const level = Math.max(0, ...parts.map((edge) => levelOf(edge.from) + 1));
    levels.set(id, level);
    return level;
  };
  return COLUMNS.flatMap((kind) => {
    const byLevel = Map.groupBy(
      nodes.filter((node) => node.kind === kind),
      (node) => levelOf(node.id),
    );
    return [...byLevel].toSorted(([a], [b]) => a - b).map(([, column]) => column);
  });
}

/** Each column in the order of what its nodes come from, so that lines cross as little as they must. */
function uncrossed(
  columns: readonly (readonly LineageNode[])[],
  edges: readonly LineageEdge[],
): readonly (readonly LineageNode[])[] {
  const rows = new Map<string, number>();
  return columns.map((column) => {
    const placeOf = (node: LineageNode): number => {
      const causes = edges.flatMap(({ from, to }) => (to === node.id ? [rows.get(from) ?? []] : [])).flat();
      return causes.length === 0
        ? Number.POSITIVE_INFINITY
        : causes.reduce((sum, row) => sum + row, 0) / causes.length;
    };
    const places = new Map(column.map((node) => [node, placeOf(node)]));
    const sorted = column.toSorted((a, b) => {
      const [first = 0, second = 0] = [places.get(a), places.get(b)];
      return first === second ? 0 : first - second;
    });
    sorted.forEach((node, row) => {
      rows.set(node.id, row);
    });
    return sorted;
  });
}

/** From the right side of a node to the left one of the next column, or down (or up) its own column. */
function lineBetween(from: PlacedNode, to: PlacedNode): Pick<PlacedEdge, 'path' | 'x' | 'y'> {
  if (to.x === from.x) {
    const x = from.x + NODE_WIDTH_PX / 2;
    const [y1, y2] = from.y < to.y ? [from.y + NODE_HEIGHT_PX, to.y] : [from.y, to.y + NODE_HEIGHT_PX];
    return { path: `M${x} ${y1}L${x} ${y2}`, x: x + BESIDE_PX, y: (y1 + y2) / 2 + BASELINE_PX };
  }
  const backward = to.x < from.x;
  const x1 = backward ? from.x + NODE_WIDTH_PX / 2 : from.x + NODE_WIDTH_PX;
  const x2 = backward ? to.x + NODE_WIDTH_PX / 2 : to.x;
  const y1 = from.y + NODE_HEIGHT_PX / 2;
  const y2 = to.y + NODE_HEIGHT_PX / 2;
  const middle = (x1 + x2) / 2;
  return {
    path: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
    x: middle,
    y: (y1 + y2) / 2,
  };
}

/** Two nodes have one line between them, with all that it stands for. */
function joined(edges: Lineage['edges']): readonly (LineageEdge & { readonly below: string })[] {
  const byEnds = Map.groupBy(edges, (edge) => JSON.stringify([edge.from, edge.to]));
  return [...byEnds.values()].flatMap(([first, ...others]) =>
    first ? [{ ...first, below: others.map((edge) => edge.label).join(', ') }] : [],
  );
}
