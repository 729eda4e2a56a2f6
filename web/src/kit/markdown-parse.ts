/** The Markdown that people write in notes and reports, as blocks. Pure; HTML in it is text, never markup. */

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'em' | 'strike'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: 'image'; readonly src: string; readonly alt: string }
  | { readonly kind: 'break' };

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly { readonly checked: boolean | null; readonly blocks: readonly Block[] }[];
    }
  | {
      readonly kind: 'table';
      readonly head: readonly (readonly Inline[])[];
      readonly align: readonly ('left' | 'right' | 'center')[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly kind: 'rule' };

const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)(.*)$/;
const TABLE_RULE = /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/;
const MAX_DEPTH = 12;

/** Blocks of a text: CommonMark's common part with GitHub's tables, task lists and strike-through. */
export function parseMarkdown(text: string, depth = 0): readonly Block[] {
  if (depth > MAX_DEPTH) return [{ kind: 'paragraph', children: [{ kind: 'text', text }] }];
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line);
    if (fence) {
      const end = lines.findIndex((each, index) => index > at && each.trim().startsWith(fence[1] ?? '```'));
      const to = end < 0 ? lines.length : end;
      blocks.push({ kind: 'code', text: lines.slice(at + 1, to).join('\n') });
      at = to + 1;
      continue;
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (heading) {
      blocks.push({
        kind: 'heading',
        level: (heading[1] ?? '#').length,
        children: parseInline(heading[2] ?? ''),
      });
      at += 1;
      continue;
    }
    if (/^ {0,3}([-*_])( *\1){2,} *$/.test(line)) {
      blocks.push({ kind: 'rule' });
      at += 1;
      continue;
    }
    if (/^ {0,3}>/.test(line)) {
      const from = at;
      while (at < lines.length && /^ {0,3}>/.test(lines[at] ?? '')) at += 1;
      const inner = lines.slice(from, at).map((each) => each.replace(/^ {0,3}> ?/, ''));
      blocks.push({ kind: 'quote', blocks: parseMarkdown(inner.join('\n'), depth + 1) });
      continue;
    }
    if (ITEM.test(line)) {
      const [list, next] = readList(lines, at, depth);
      blocks.push(list);
      at = next;
      continue;
    }
    if (line.includes('|') && TABLE_RULE.test(lines[at + 1] ?? '') && (lines[at + 1] ?? '').includes('-')) {
      const [table, next] = readTable(lines, at);
      blocks.push(table);
      at = next;
      continue;
    }
    const from = at;
    while (at < lines.length && !endsParagraph(lines[at] ?? '', at > from)) at += 1;
    blocks.push({ kind: 'paragraph', children: parseInline(lines.slice(from, at).join('\n').trim()) });
  }
  return blocks;
}

const endsParagraph = (line: string, started: boolean): boolean =>
  started && (line.trim() === '' || /^ {0,3}(#{1,6}\s|>|```|~~~)/.test(line) || ITEM.test(line));

function readList(lines: readonly string[], from: number, depth: number): readonly [Block, number] {
  const first = ITEM.exec(lines[from] ?? '');
  const ordered = /\d/.test(first?.[2] ?? '');
  const items: { checked: boolean | null; blocks: readonly Block[] }[] = [];
  let at = from;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at] ?? '');
    if (!item || /\d/.test(item[2] ?? '') !== ordered) break;
    const indent = (item[1] ?? '').length + (item[2] ?? '').length + Math.max(1, (item[3] ?? '').length);
    const own = [item[4] ?? ''];
    at += 1;
    while (at < lines.length) {
      const line = lines[at] ?? '';
      const inside = line.startsWith(' '.repeat(Math.min(indent, 2)));
      const blank = line.trim() === '';
      if (blank && !(lines[at + 1] ?? '').startsWith('  ')) break;
      if (!blank && !inside) break;
      own.push(line.slice(Math.min(indent, line.length - line.trimStart().length)));
      at += 1;
    }
    const task = /^\[([ xX])\] /.exec(own[0] ?? '');
    if (task) own[0] = (own[0] ?? '').slice(4);
    items.push({
      checked: task ? task[1] !== ' ' : null,
      blocks: parseMarkdown(own.join('\n'), depth + 1),
    });
    while ((lines[at] ?? 'x').trim() === '' && ITEM.test(lines[at + 1] ?? '')) at += 1;
  }
  const start = ordered ? Number.parseInt(first?.[2] ?? '1', 10) : 1;
  return [{ kind: 'list', ordered, start, items }, at];
}

function readTable(lines: readonly string[], from: number): readonly [Block, number] {
  const cells = (line: string): string[] =>
    line
      .trim()
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'));
  const head = cells(lines[from] ?? '').map(parseInline);
  const align = cells(lines[from + 1] ?? '').map((cell) =>
    /^:-+:$/.test(cell) ? ('center' as const) : /-:$/.test(cell) ? ('right' as const) : ('left' as const),
  );
  const rows: (readonly Inline[])[][] = [];
  let at = from + 2;
  while (at < lines.length && (lines[at] ?? '').includes('|')) {
    rows.push(cells(lines[at] ?? '').map(parseInline));
    at += 1;
  }
  return [{ kind: 'table', head, align, rows }, at];
}

const INLINE =
  /(`+)([\s\S]*?[^`])\1(?!`)|!\[([^\]]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+"[^"]*")?\)|\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+"[^"]*")?\)|<(https?:\/\/[^>\s]+)>|\*\*([\s\S]+?)\*\*(?!\*)|__([\s\S]+?)__|~~([\s\S]+?)~~|\*([^*\s](?:[\s\S]*?[^*\s])?)\*|(?<!\w)_([^_\s](?:[\s\S]*?[^_\s])?)_(?!\w)| {2,}\n|\\([!-/:-@[-`{-~])|(?<![\w/])(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/;

/** Inline markup. Links that are no http(s), mail or relative address are text. */
export function parseInline(text: string): readonly Inline[] {
  const out: Inline[] = [];
  let rest = text;
  while (rest !== '') {
    const found = INLINE.exec(rest);
    if (!found) break;
    if (found.index > 0) out.push({ kind: 'text', text: rest.slice(0, found.index) });
    out.push(inlineOf(found));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest !== '') out.push({ kind: 'text', text: rest });
  return out;
}

function inlineOf(found: RegExpExecArray): Inline {
  const [whole, , code, alt, src, label, href, bare, strong, strong2, strike, em, em2, escaped, url] = found;
  if (code !== undefined) return { kind: 'code', text: code.trim() };
  if (src !== undefined)
    return isSafe(src) ? { kind: 'image', src, alt: alt ?? '' } : { kind: 'text', text: whole };
  if (href !== undefined)
    return isSafe(href)
      ? { kind: 'link', href, children: parseInline(label ?? '') }
      : { kind: 'text', text: label ?? '' };
  const address = bare ?? url;
  if (address !== undefined)
    return { kind: 'link', href: address, children: [{ kind: 'text', text: address }] };
  if (strong ?? strong2) return { kind: 'strong', children: parseInline(strong ?? strong2 ?? '') };
  if (strike) return { kind: 'strike', children: parseInline(strike) };
  if (em ?? em2) return { kind: 'em', children: parseInline(em ?? em2 ?? '') };
  if (escaped !== undefined) return { kind: 'text', text: escaped };
  return { kind: 'break' };
}

/** Whether a link may be followed: no scheme that runs or hides something. */
export function isSafe(href: string): boolean {
  // What browsers drop from the beginning of an address and within its scheme: control characters and spaces.
  const plain = href.replace(/[\p{Cc}\s]/gu, '');
  return /^(https?:|mailto:)/i.test(plain) || !/^[a-z][a-z0-9+.-]*:/i.test(plain);
}
