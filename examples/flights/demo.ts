/**
 * The demo: carries a real model round the whole loop on real flights, checks what it claims, and leaves the server
 * up to look at. `make demo` runs it; README.md beside it says what happens and why.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runDemo } from './demo/run-demo.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    sample: { type: 'string', default: '15' },
    data: { type: 'string', default: fileURLToPath(new URL('../../.demo', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`node examples/flights/demo.ts [--full | --sample N] [--data DIR]
  --full       replay all 2.5 million flights (tens of minutes)
  --sample N   every N-th flight (default 15)
  --data DIR   the demo's own data directory, emptied at the start (default .demo)
DEMO_EXIT=1 stops the server at the end; the exit status is then 0 only if every claim was checked true.`);
} else {
  const sample = values.full ? 1 : Number(values.sample);
  if (!Number.isInteger(sample) || sample < 1) {
    console.error(`--sample ${values.sample}: expected a whole number from 1, e.g. --sample 15`);
    process.exitCode = 2;
  } else {
    process.exitCode = await runDemo({
      sample,
      directory: values.data,
      exitAtEnd: process.env.DEMO_EXIT === '1',
    });
  }
}
