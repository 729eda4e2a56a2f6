import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { openApi } from './openapi.ts';
import { defineRoute } from './route.ts';

/** Every `$ref` of a document, and what is there; undefined where it points at nothing. */
function references(document: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const at = (pointer: string) =>
    pointer
      .slice(2)
      .split('/')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
  JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') found.set(value, at(value));
    return value;
  });
  return found;
}

test('schemas that contain themselves, or each other, are referred to by names that the document has', () => {
  const tree = z.object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  });
  const step = (path: string) =>
    defineRoute({
      method: 'POST',
      path,
      permission: 'read',
      summary: 'Plants a tree',
      body: z.object({ tree, other: tree.nullable() }),
      response: tree,
      handle: async ({ body }) => body.tree,
    });
  const document = openApi([step('/api/v1/trees'), step('/api/v1/shrubs')], '1.0.0');
  const refs = references(document);
  assert.ok([...refs.keys()].filter((ref) => ref.startsWith('#/components/schemas/Nested')).length >= 2);
  assert.deepEqual(
    [...refs].filter(([, target]) => target === undefined),
    [],
  );
});

test('the published document refers to nothing that it does not have', () => {
  const text = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
  const refs = references(JSON.parse(text));
  assert.ok(refs.size > 3);
  assert.deepEqual(
    [...refs].filter(([, target]) => target === undefined),
    [],
  );
});
