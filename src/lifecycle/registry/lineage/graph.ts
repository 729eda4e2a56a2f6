import type { Lineage, LineageEdge, LineageKind, LineageNode } from '../contract/lineage.ts';

/** Collects nodes and edges, each once. */
export class Graph {
  readonly #nodes = new Map<string, LineageNode>();
  readonly #edges = new Map<string, LineageEdge>();

  static idOf(kind: LineageKind, key: string): string {
    return `${kind}:${key}`;
  }

  has(kind: LineageKind, key: string): boolean {
    return this.#nodes.has(Graph.idOf(kind, key));
  }

  /** Adds a node unless it is there; its id. */
  add(kind: LineageKind, key: string, facts: Omit<LineageNode, 'id' | 'kind'>): string {
    const id = Graph.idOf(kind, key);
    if (!this.#nodes.has(id)) this.#nodes.set(id, { id, kind, ...facts });
    return id;
  }

  link(from: string, to: string, label: string): void {
    this.#edges.set(JSON.stringify([from, to, label]), { from, to, label });
  }

  lineage(subject: string, isCut: boolean): Lineage {
    return { subject, nodes: [...this.#nodes.values()], edges: [...this.#edges.values()], isCut };
  }
}
