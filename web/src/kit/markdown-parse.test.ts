import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSafe, parseInline, parseMarkdown } from './markdown-parse.ts';

const kinds = (text: string) => parseMarkdown(text).map((block) => block.kind);

test('the blocks of a report', () => {
  const text =
    '# Report\n\nSome *text*.\n\n| a | b |\n|---|--:|\n| x | 1 |\n\n```python\nprint("# no heading")\n```\n\n- one\n  - inner\n- [x] two\n\n> quoted\n\n---';
  assert.deepEqual(kinds(text), ['heading', 'paragraph', 'table', 'code', 'list', 'quote', 'rule']);
  const list = parseMarkdown(text)[4];
  assert.ok(list?.kind === 'list');
  assert.deepEqual(
    list.items.map((item) => item.checked),
    [null, true],
  );
  assert.equal(list.items[0]?.blocks[1]?.kind, 'list');
});

test('inline markup, nested and escaped', () => {
  assert.deepEqual(parseInline('a **b *c*** `d*`'), [
    { kind: 'text', text: 'a ' },
    {
      kind: 'strong',
      children: [
        { kind: 'text', text: 'b ' },
        { kind: 'em', children: [{ kind: 'text', text: 'c' }] },
      ],
    },
    { kind: 'text', text: ' ' },
    { kind: 'code', text: 'd*' },
  ]);
  assert.deepEqual(parseInline('snake_case_name \\*x'), [
    { kind: 'text', text: 'snake_case_name ' },
    { kind: 'text', text: '*' },
    { kind: 'text', text: 'x' },
  ]);
});

test('HTML stays text, and links that run something are no links', () => {
  assert.deepEqual(parseInline('<script>alert(1)</script>'), [
    { kind: 'text', text: '<script>alert(1)</script>' },
  ]);
  assert.deepEqual(parseInline('[x](javascript:alert)'), [{ kind: 'text', text: 'x' }]);
  for (const href of ['javascript:x', ' JaVa\tScript:x', 'data:text/html,x', 'vbscript:x', 'file:///x'])
    assert.equal(isSafe(href), false, href);
  for (const href of ['https://a.b', 'mailto:a@b', 'figures/a.png', '#part', '../x'])
    assert.equal(isSafe(href), true, href);
});

test('no text makes it slow or deep', () => {
  const began = performance.now();
  parseMarkdown('>'.repeat(5000));
  parseMarkdown('['.repeat(3000));
  parseMarkdown('*'.repeat(3000));
  parseMarkdown(`${'| a '.repeat(500)}\n${'|---'.repeat(500)}`);
  assert.ok(performance.now() - began < 5000);
});
