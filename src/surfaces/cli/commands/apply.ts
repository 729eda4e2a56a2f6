import { basename, dirname, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { ControlError } from '../../../platform/client/index.ts';
import { type Api, part } from '../api.ts';
import { codeFiles } from '../code-files.ts';
import type { CommandCall } from '../command.ts';
import { applyResultSchema, loopVersionSchema } from '../contract.ts';
import { lineDiff } from '../format/line-diff.ts';
import { count } from '../format/text.ts';
import { gitState, sourceFile } from '../git-state.ts';
import { readLocal } from '../local-file.ts';
import { registerFile } from './register-file.ts';

type Applied = z.output<typeof applyResultSchema>;
type Body = Readonly<Record<string, unknown>>;

const datasetPrefix = 'dataset:';

/**
 * `millrace apply <loop.yaml>`: sends the training code, registers the data if it is a file, and puts the loop file in
 * force. Control checks it; its errors are shown as it says them.
 */
export async function apply(call: CommandCall): Promise<undefined> {
  const path = resolve(call.at(0));
  const folder = dirname(path);
  const text = (await readLocal(path)).toString('utf8');
  const wanted = peek(text);
  const include = call.all('include').map((name) => relative(folder, resolve(name)) || '.');
  const code = await codeFiles(folder, wanted.run ?? '', include);
  const files = await Promise.all(
    code.map(async (name) => ({
      path: name,
      digest: await call.api.client.putBlob(await readLocal(resolve(folder, name))),
    })),
  );
  const source = wanted.run === undefined ? null : await gitState(folder, code);
  if (source) {
    const content = Buffer.from(JSON.stringify(source));
    files.push({ path: sourceFile, digest: await call.api.client.putBlob(content) });
  }
  const body = { text, fileName: basename(path), files };
  const answer = await put(call.api, body, async () => {
    const { source: data = '', name = '', roles } = wanted;
    const dataset = name.toLowerCase();
    const { version } = await registerFile(
      call.api,
      resolve(folder, data),
      dataset,
      roles,
      call.has('upload'),
    );
    return version.id;
  });
  const changes = answer.outcome === 'changed' && !call.json ? await changesOf(call.api, answer) : [];
  call.show(answer, () => appliedText(answer, code, changes, call.api.client.url));
}

/** What we must know of the file before control has read it: nothing is checked here. */
function peek(text: string) {
  let file: Body = {};
  try {
    file = objectOf(parse(text));
  } catch {
    // Control says what is wrong with it, and where.
  }
  const word = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const data = objectOf(file.data);
  const roles = {
    time: word(data.time),
    entity: word(data.entity),
    label: word(objectOf(data.label).column),
  };
  return { name: word(file.loop), run: word(objectOf(file.train).run), source: word(data.source), roles };
}

function objectOf(value: unknown): Body {
  return typeof value === 'object' && value !== null ? (value as Body) : {};
}

/**
 * Applies the file. Control refuses one whose data is a file, naming that alone when all else is right; then, and
 * only then, is the data registered.
 */
async function put(api: Api, body: Body, register: () => Promise<string>): Promise<Applied> {
  try {
    return await api.post('loops', body, applyResultSchema);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'loop_file_invalid') throw error;
    const [only, ...others] = error.issues;
    const source = peek(String(body.text)).source ?? '';
    const isFile = source !== '' && !source.startsWith(datasetPrefix);
    if (only?.field !== 'data.source' || others.length > 0 || !isFile) throw error;
  }
  return api.post('loops', { ...body, datasetVersionId: await register() }, applyResultSchema);
}

/** The lines of the file that differ from the version before. */
async function changesOf(api: Api, { loop }: Applied): Promise<readonly string[]> {
  const { items } = await api.list(`loops/${part(loop.name)}/versions`, loopVersionSchema, 2);
  const [now, before] = items;
  return now && before ? lineDiff(before.text, now.text) : [];
}

function appliedText(
  { loop, outcome }: Applied,
  code: readonly string[],
  changes: readonly string[],
  url: string,
): string {
  const first = {
    created: `Loop ${loop.name} is created.`,
    changed: `Loop ${loop.name} is changed; version ${loop.version} of its file is in force.`,
    unchanged: `Loop ${loop.name} is unchanged; version ${loop.version} of its file is in force.`,
  }[outcome];
  const hint =
    outcome === 'changed' && changes.length === 0 ? ['The file is the same; code or data changed.'] : [];
  return [
    first,
    ...changes.map((line) => `  ${line}`),
    ...hint,
    code.length === 0
      ? 'No code is sent along.'
      : `Code: ${code.join(', ')} (${count(code.length, 'file')}).`,
    `It waits for: ${loop.waitsFor}`,
    `Look at it: ${url}/loops/${encodeURIComponent(loop.name)} or millrace status ${loop.name}`,
  ].join('\n');
}
