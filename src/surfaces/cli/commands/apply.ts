import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { registerDatasetResponseSchema } from '../../../lifecycle/data/index.ts';
import { applyResultSchema, parseLoopFile } from '../../../loop/index.ts';
import type { ControlClient } from '../../../platform/client/index.ts';
import { type Command, UsageError } from '../Command.ts';
import { codeFiles } from '../codeFiles.ts';

/** `millrace apply loop.yaml`: uploads data and code beside the loop file, and puts the file in force. */
export const apply: Command = {
  name: 'apply',
  usage: '<loop.yaml>',
  summary: 'put a loop file in force, with the code and data beside it; the same again changes nothing',
  options: {},
  words: [1, 1],
  async run({ client, output, words }) {
    const path = resolve(words[0] ?? '');
    const text = await readText(path);
    const fileName = basename(path);
    // Read here as well, so that a mistake is told before gigabytes are uploaded.
    const file = parseLoopFile(text, fileName);
    const files = await codeFiles(dirname(path), file.train.run);
    const uploaded = await Promise.all(
      files.map(async ({ path: name, content }) => ({ path: name, digest: await client.putBlob(content) })),
    );
    const { source } = file.data;
    const datasetVersionId = source.startsWith('dataset:')
      ? undefined
      : await registerFile(client, resolve(dirname(path), source), {
          dataset: file.loop.toLowerCase(),
          time: file.data.time,
          entity: file.data.entity,
          label: file.data.label.column,
        });
    const body = { text, fileName, files: uploaded, ...(datasetVersionId ? { datasetVersionId } : {}) };
    const answer = await client.call('/api/v1/loops', { body, schema: applyResultSchema });
    output.result(answer, () => {
      const { loop, outcome } = answer;
      const what = { created: 'created', changed: 'changed', unchanged: 'unchanged' }[outcome];
      output.line(
        `loop ${loop.name} ${what}, version ${loop.version} is in force (${uploaded.length} files of code)`,
      );
      output.line(`${client.url}/loops/${encodeURIComponent(loop.name)}`);
    });
  },
};

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

async function registerFile(
  client: ControlClient,
  path: string,
  roles: { readonly dataset: string; readonly time: string; readonly entity: string; readonly label: string },
): Promise<string> {
  const digest = await digestOfFile(path);
  if (!(await hasBlob(client, digest))) await client.putBlobStream(digest, createReadStream(path));
  const format = /\.(csv|tsv)(\.gz)?$/i.test(path) ? 'csv' : 'parquet';
  const body = { ...roles, source: { digest, format } };
  const { version } = await client.call('/api/v1/dataset-versions', {
    body,
    schema: z.object({ version: registerDatasetResponseSchema.shape.version }),
  });
  return version.id;
}

async function hasBlob(client: ControlClient, digest: Digest): Promise<boolean> {
  try {
    await client.fetch(`/api/v1/blobs/${digest}`, { method: 'HEAD' });
    return true;
  } catch {
    return false;
  }
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    const problem = `data.source ${path} cannot be read: ${(error as Error).message}`;
    throw new MillraceError('loop_file_invalid', { problems: problem, issues: [] }, error);
  }
  return `sha256:${hash.digest('hex')}`;
}
