/** Bundles the server into the directory that is named: few large files start faster than a thousand small ones. */
import { rolldown } from 'rolldown';

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: node scripts/bundle.ts DIRECTORY');

const bundle = await rolldown({
  input: 'src/main.ts',
  platform: 'node',
  // Native packages cannot be bundled, and most processes never load the others.
  external: [/^onnxruntime-node(?:$|\/)/, /^@duckdb\//, /^@aws-sdk\//, /^pg$/],
  // V8 keeps sources in memory, with two bytes for each character where one of them is beyond Latin-1.
  plugins: [
    { name: 'ascii', renderChunk: (code) => code.replace(/[^\0-\x7f]/g, escaped) },
    { name: 'http', renderChunk: withoutHttpFacade },
  ],
});
await bundle.write({ dir: directory, format: 'esm', comments: false });

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * An `import` of node:http reads each of its exports, among them the WebSocket that loads the whole of undici: a tenth
 * of a start (Node 24).
 */
function withoutHttpFacade(code: string): string {
  return code.replace(/^import \{([^}]*)\} from "node:http";/gm, (_, names: string) => {
    return `const {${names.replaceAll(' as ', ': ')}} = process.getBuiltinModule("node:http");`;
  });
}
