import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exportBreaches } from './architecture/exports.ts';
import { importBreaches } from './architecture/imports.ts';
import { type Breach, describeBreach } from './architecture/rules.ts';
import { defaultExportBreaches, lengthBreaches, sliceFileBreaches } from './architecture/shape.ts';
import { readSourceTree } from './architecture/source-tree.ts';
import { tableBreaches } from './architecture/table-names.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

function breachesOf(root: string): Breach[] {
  const files = readSourceTree(root);
  return [
    importBreaches,
    tableBreaches,
    lengthBreaches,
    exportBreaches,
    defaultExportBreaches,
    sliceFileBreaches,
  ].flatMap((rule) => rule(files));
}

test('the code keeps to the plan', () => {
  const breaches = breachesOf(repository);
  if (breaches.length > 0) {
    assert.fail(`${breaches.length} breaches\n\n${breaches.map(describeBreach).join('\n\n')}`);
  }
});

const slice = { 'README.md': '', 'index.ts': '', 'contract.ts': '' };
const house = (files: Record<string, string>): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(slice).map(([name, text]) => [`src/lifecycle/data/${name}`, text])),
  ...Object.fromEntries(
    Object.entries(slice).map(([name, text]) => [`src/lifecycle/registry/${name}`, text]),
  ),
  ...files,
});

const bad: Record<string, { files: Record<string, string>; at: string; says: RegExp }> = {
  'core imports ours': {
    files: { 'src/core/a.ts': "import { b } from '../platform/b.ts';" },
    at: 'src/core/a.ts:1',
    says: /core imports nothing/,
  },
  'platform imports a slice, dynamically': {
    files: { 'src/platform/a.ts': "\nconst x = await import('../lifecycle/data/index.ts');" },
    at: 'src/platform/a.ts:2',
    says: /platform imports core only/,
  },
  'a slice uses one that comes later': {
    files: { 'src/lifecycle/data/service.ts': "import type { A } from '../registry/index.ts';" },
    at: 'src/lifecycle/data/service.ts:1',
    says: /index\.ts of: none/,
  },
  'a slice enters another past its front door': {
    files: {
      'src/lifecycle/registry/service.ts': "import {\n  a,\n} from '../evaluation/store.ts';",
    },
    at: 'src/lifecycle/registry/service.ts:3',
    says: /by its index\.ts only[\s\S]*Use src\/lifecycle\/evaluation\/index\.ts/,
  },
  'the loop enters past a front door': {
    files: { 'src/loop/a.ts': "export { a } from '../lifecycle/data/store.ts';" },
    at: 'src/loop/a.ts:1',
    says: /loop imports core, platform, itself and the slices' index\.ts/,
  },
  'a surface uses another surface': {
    files: { 'src/surfaces/cli/a.ts': "import { a } from '../mlflow/index.ts';" },
    at: 'src/surfaces/cli/a.ts:1',
    says: /surface cli imports/,
  },
  'main enters past a front door': {
    files: { 'src/main.ts': "import { a } from './lifecycle/data/service.ts';" },
    at: 'src/main.ts:1',
    says: /main builds slices/,
  },
  'the product uses test support': {
    files: { 'src/loop/a.ts': "import { a } from '../../test/support/a.ts';" },
    at: 'src/loop/a.ts:1',
    says: /loop imports/,
  },
  'the product uses what is written for tests': {
    files: { 'src/loop/a.ts': "import { a } from '../platform/db/testing.ts';" },
    at: 'src/loop/a.ts:1',
    says: /written for tests/,
  },
  'web imports a service': {
    files: { 'web/src/a.tsx': "import { a } from '../../src/lifecycle/data/service.ts';" },
    at: 'web/src/a.tsx:1',
    says: /web imports contracts/,
  },
  'web runs a core module that needs Node': {
    files: {
      'src/core/ids.ts': "import { randomBytes } from 'node:crypto';",
      'src/core/names.ts': "import { uuid } from './ids.ts';",
      'web/src/a.tsx': "import { name } from '../../src/core/names.ts';",
    },
    at: 'web/src/a.tsx:1',
    says: /needs Node/,
  },
  'web runs a contract': {
    files: {
      'src/lifecycle/data/contract.ts': 'export const a = 1;',
      'web/src/a.tsx': "import { a } from '../../src/lifecycle/data/contract.ts';",
    },
    at: 'web/src/a.tsx:1',
    says: /zod/,
  },
  'a contract imports a package': {
    files: { 'src/lifecycle/data/contract.ts': "import { z } from 'zod';\nimport fs from 'node:fs';" },
    at: 'src/lifecycle/data/contract.ts:2',
    says: /zod, core and other contracts only/,
  },
  'a file outside the known folders': {
    files: { 'src/utils/a.ts': '' },
    at: 'src/utils/a.ts:1',
    says: /folder that the plan does not know/,
  },
  "a service queries another slice's table": {
    files: {
      'src/lifecycle/data/migrations.ts':
        "sql`CREATE TABLE dataset_versions (id TEXT)`; db.createTable('splits')",
      'src/lifecycle/registry/store.ts': "tx.selectFrom('dataset_versions as d')",
    },
    at: 'src/lifecycle/registry/store.ts:1',
    says: /the table dataset_versions of src\/lifecycle\/data[\s\S]*Ask src\/lifecycle\/data\/index\.ts/,
  },
  'raw SQL outside the store': {
    files: {
      'src/lifecycle/data/migrations.ts': "db.schema.createTable('splits')",
      'src/lifecycle/data/service.ts': '\nawait sql`DELETE FROM splits`;',
    },
    at: 'src/lifecycle/data/service.ts:2',
    says: /Move the query to src\/lifecycle\/data\/store\.ts/,
  },
  'a file of 501 lines': {
    files: { 'src/core/long.ts': '// x\n'.repeat(501) },
    at: 'src/core/long.ts:501',
    says: /longer than 500 lines/,
  },
  'a tree of middling long files': {
    files: Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`src/core/f${i}.ts`, '// x\n'.repeat(140)]),
    ),
    at: 'src/core/f',
    says: /Half of the files are shorter than 130 lines/,
  },
  'an export for nobody': {
    files: { 'src/core/a.ts': 'const b = 1;\nexport function alone(): number {\n  return b;\n}' },
    at: 'src/core/a.ts:2',
    says: /exports alone[\s\S]*Take the `export` off/,
  },
  'a default export': {
    files: { 'src/core/a.ts': 'const a = 1;\nexport default a;' },
    at: 'src/core/a.ts:2',
    says: /no default exports/,
  },
  'a slice without README.md': {
    files: { 'src/lifecycle/tuning/index.ts': '', 'src/lifecycle/tuning/contract.ts': '' },
    at: 'src/lifecycle/tuning:1',
    says: /Every slice has README\.md/,
  },
};

const good = house({
  'src/core/time.ts': 'export const t = 0;',
  'src/core/ids.ts': "import { randomBytes } from 'node:crypto';",
  'src/platform/db/index.ts': "import '../../core/time.ts';",
  'src/lifecycle/data/migrations.ts': 'sql`CREATE TABLE splits (id TEXT)`',
  'src/lifecycle/data/store.ts': "import { db } from '../../platform/db/index.ts';\ntx.selectFrom('splits')",
  'src/lifecycle/data/store/splits.ts': 'sql`SELECT * FROM splits`',
  'src/lifecycle/data/service.ts': "const url = '/api/v1/splits'; // reads from splits",
  'src/lifecycle/registry/contract.ts': "import { z } from 'zod';\nimport { t } from '../../core/time.ts';",
  'src/loop/index.ts': "import { a } from '../lifecycle/data/index.ts';",
  'src/surfaces/cli/index.ts': "import type { A } from '../../lifecycle/registry/index.ts';",
  'src/main.ts': "import { a } from './loop/index.ts';\nimport { b } from './platform/db/index.ts';",
  'web/src/a.tsx':
    "import type { A } from '../../src/lifecycle/data/contract.ts';\nimport type { B } from '../../src/core/ids.ts';",
  'test/a.test.ts': "import { a } from '../src/lifecycle/data/service.ts';",
});

test('a tree that keeps to the plan has no breach', (t) => {
  assert.deepEqual(breachesIn(t, good).map(describeBreach), []);
});

for (const [name, { files, at, says }] of Object.entries(bad)) {
  test(`noticed: ${name}`, (t) => {
    const messages = breachesIn(t, house(files)).map(describeBreach);
    const message = messages.find((text) => text.startsWith(at));
    assert.ok(message, `no breach at ${at} in:\n${messages.join('\n')}`);
    assert.match(message, says);
    assert.match(message, /\n {2}rule: {4}\S.*\n {2}way out: \S/);
    assert.equal(messages.length, 1);
  });
}

function breachesIn(t: { after(fn: () => void): void }, files: Record<string, string>): Breach[] {
  const root = mkdtempSync(join(tmpdir(), 'millrace-architecture-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return breachesOf(root);
}
