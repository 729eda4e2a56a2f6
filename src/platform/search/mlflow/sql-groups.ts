import { type NodeKind, type SqlNode, sqlTokens } from './sql-tokens.ts';

const operands: readonly NodeKind[] = [
  'Parenthesis',
  'Function',
  'Identifier',
  'Operation',
  'TypedLiteral',
  'integer',
  'float',
  'string',
  'symbol',
  'name',
  'placeholder',
];

const listed: readonly NodeKind[] = [
  ...operands.filter((kind) => kind !== 'Parenthesis' && kind !== 'TypedLiteral'),
  'Comparison',
  'IdentifierList',
  'keyword',
  'wildcard',
];

/**
 * The top level of a filter as MLflow's SQL parser (sqlparse) groups it: identifiers with their dots, comparisons
 * with their two sides. The passes are its, in its order, as far as a filter can tell the difference; what they
 * leave alone stays a token.
 */
export function sqlStatement(text: string): readonly SqlNode[] {
  let nodes = sqlTokens(text);
  nodes = brackets(nodes, 'SquareBrackets', '[', ']');
  nodes = brackets(nodes, 'Parenthesis', '(', ')');
  nodes = functions(nodes);
  nodes = around(nodes, {
    match: (n) =>
      (n.kind === 'punctuation' && n.text === '.') || (n.kind === 'operator' && /^->>?$/.test(n.text)),
    before: ['SquareBrackets', 'Identifier', 'name', 'symbol'],
    after: null,
    kind: 'Identifier',
    // What cannot follow a dot stays outside; the dot itself does not.
    takesNext: ['SquareBrackets', 'Function', 'name', 'symbol', 'wildcard', 'string'],
  });
  nodes = around(nodes, {
    match: (n) => n.kind === 'SquareBrackets',
    before: ['SquareBrackets', 'Identifier', 'Function', 'name', 'symbol'],
    after: null,
    kind: 'Identifier',
    takesNext: [],
  });
  nodes = nodes.map((n) => (n.kind === 'name' || n.kind === 'symbol' ? { ...n, kind: 'Identifier' } : n));
  nodes = orders(nodes);
  nodes = around(nodes, {
    match: (n) => n.kind === 'punctuation' && n.text === '::',
    before: null,
    after: 'any',
    kind: 'Identifier',
    takesNext: null,
  });
  nodes = around(nodes, {
    match: (n) => n.kind === 'type' || isKeyword(n, 'TIMESTAMP'),
    before: 'itself',
    after: ['string'],
    kind: 'TypedLiteral',
    takesNext: null,
  });
  nodes = around(nodes, {
    match: (n) => n.kind === 'operator' || n.kind === 'wildcard',
    before: ['SquareBrackets', ...operands],
    after: ['SquareBrackets', ...operands],
    kind: 'Operation',
    takesNext: null,
  });
  nodes = comparisons(nodes);
  nodes = around(nodes, {
    match: (n) => isKeyword(n, 'AS'),
    before: (n) => (n.kind !== 'keyword' && n.kind !== 'order') || isKeyword(n, 'NULL'),
    after: 'any',
    kind: 'Identifier',
    takesNext: null,
  });
  nodes = aliases(nodes);
  // Refused in any case: this is how the refusal names it.
  return around(nodes, {
    match: (n) => n.kind === 'punctuation' && n.text === ',',
    before: listed,
    after: listed,
    kind: 'IdentifierList',
    takesNext: null,
  });
}

interface Joint {
  readonly match: (node: SqlNode) => boolean;
  /** What must stand before; null: anything; `itself`: the same, but the group starts with the token that matched. */
  readonly before: readonly NodeKind[] | ((node: SqlNode) => boolean) | null | 'itself';
  /** What must follow; null: anything or nothing. */
  readonly after: readonly NodeKind[] | null | 'any';
  readonly kind: NodeKind;
  /** What the group takes in after the token; null: whatever follows. */
  readonly takesNext: readonly NodeKind[] | null;
}

/** Groups what stands around a token, with the blanks between. */
function around(nodes: readonly SqlNode[], joint: Joint): readonly SqlNode[] {
  const result: SqlNode[] = [];
  let previous = -1;
  // A group counts as its last part here: a = b = c is one comparison, of a comparison.
  let before: SqlNode | undefined;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as SqlNode;
    result.push(node);
    if (node.kind === 'space') continue;
    const here = result.length - 1;
    const next = nextOf(nodes, i);
    const following = nodes[next];
    const start = joint.before === 'itself' ? here : previous;
    const fits =
      joint.match(node) &&
      mayStandBefore(joint, before) &&
      (joint.after === null ||
        (following !== undefined && (joint.after === 'any' || joint.after.includes(following.kind))));
    if (!fits) {
      previous = here;
      before = node;
      continue;
    }
    const takes = following !== undefined && (joint.takesNext?.includes(following.kind) ?? true);
    if (takes) {
      result.push(...nodes.slice(i + 1, next + 1));
      i = next;
    }
    const parts = result.splice(start);
    const group: SqlNode = { kind: joint.kind, text: textOf(parts), parts };
    result.push(group);
    previous = start;
    before = takes ? following : group;
  }
  return result;
}

function mayStandBefore(joint: Joint, node: SqlNode | undefined): boolean {
  if (node === undefined || joint.before === null || joint.before === 'itself') return node !== undefined;
  return typeof joint.before === 'function' ? joint.before(node) : joint.before.includes(node.kind);
}

function isKeyword(node: SqlNode, word: string): boolean {
  return node.kind === 'keyword' && node.text.toUpperCase() === word;
}

function nextOf(nodes: readonly SqlNode[], at: number): number {
  let next = at + 1;
  while (nodes[next]?.kind === 'space') next++;
  return next;
}

function textOf(nodes: readonly SqlNode[]): string {
  return nodes.map((node) => node.text).join('');
}

/** A bracket is closed by the next one that closes; one without its partner stays. */
function brackets(
  nodes: readonly SqlNode[],
  kind: NodeKind,
  open: string,
  close: string,
): readonly SqlNode[] {
  const result: SqlNode[] = [];
  const opens: number[] = [];
  for (const node of nodes) {
    result.push(node);
    if (node.kind !== 'punctuation') continue;
    if (node.text === open) opens.push(result.length - 1);
    const start = node.text === close ? opens.pop() : undefined;
    if (start === undefined) continue;
    const parts = result.splice(start);
    result.push({ kind, text: textOf(parts), parts });
  }
  return result;
}

function functions(nodes: readonly SqlNode[]): readonly SqlNode[] {
  const result: SqlNode[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as SqlNode;
    const next = nextOf(nodes, i);
    const isName = node.kind === 'name' || node.kind === 'placeholder' || node.kind === 'type';
    if (!isName || nodes[next]?.kind !== 'Parenthesis') {
      result.push(node);
      continue;
    }
    const parts = nodes.slice(i, next + 1);
    result.push({ kind: 'Function', text: textOf(parts), parts });
    i = next;
  }
  return result;
}

/** ASC and DESC belong to the identifier or the number before. */
function orders(nodes: readonly SqlNode[]): readonly SqlNode[] {
  const result: SqlNode[] = [];
  for (const node of nodes) {
    const before = result.findLastIndex((n) => n.kind !== 'space');
    const kind = result[before]?.kind ?? 'error';
    result.push(node);
    if (node.kind !== 'order' || !['Identifier', 'integer', 'float', 'hexadecimal'].includes(kind)) continue;
    const parts = result.splice(before);
    result.push({ kind: 'Identifier', text: textOf(parts), parts });
  }
  return result;
}

function comparisons(nodes: readonly SqlNode[]): readonly SqlNode[] {
  // NULL counts as an operand here, though it is a keyword.
  const marked = nodes.map((node) =>
    isKeyword(node, 'NULL') ? { ...node, kind: 'placeholder' as const } : node,
  );
  const grouped = around(marked, {
    match: (n) => n.kind === 'comparator',
    before: operands,
    after: operands,
    kind: 'Comparison',
    takesNext: null,
  });
  return grouped.map((node) =>
    node.kind === 'placeholder' && node.text.toUpperCase() === 'NULL' ? { ...node, kind: 'keyword' } : node,
  );
}

/** An identifier after something else is taken for its alias, and makes an identifier of both. */
function aliases(nodes: readonly SqlNode[]): readonly SqlNode[] {
  const aliased: readonly NodeKind[] = [
    'Parenthesis',
    'Function',
    'Identifier',
    'Operation',
    'Comparison',
    'integer',
    'float',
    'hexadecimal',
  ];
  const result: SqlNode[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as SqlNode;
    const next = nextOf(nodes, i);
    if (!aliased.includes(node.kind) || nodes[next]?.kind !== 'Identifier') {
      result.push(node);
      continue;
    }
    const parts = nodes.slice(i, next + 1);
    result.push({ kind: 'Identifier', text: textOf(parts), parts });
    i = next;
  }
  return result;
}
