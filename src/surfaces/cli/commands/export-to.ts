import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { formatTime } from '../../../core/time.ts';
import type { CommandCall } from '../command.ts';
import { table } from '../format/table.ts';
import { exportAll } from '../transfer/export-all.ts';
import { openExport } from '../transfer/export-directory.ts';
import { artifactsFolder, manifestFile } from '../transfer/export-tables.ts';
import { ExportWriter } from '../transfer/export-writer.ts';
import { MillraceServer } from '../transfer/millrace-server.ts';
import { openFrames } from '../transfer/open-frames.ts';
import { Progress } from '../transfer/progress.ts';
import { runImport } from '../transfer/run-import.ts';

/** `millrace export <directory>` */
export async function exportTo(call: CommandCall): Promise<undefined> {
  const directory = resolve(call.at(0));
  await mkdir(directory, { recursive: true }).catch((error: Error) => {
    throw fail('export_folder_unusable', { directory, problem: error.message }, error);
  });
  // What a run that was cut off left may be there; anything else is not ours to write over.
  const known = new Set([artifactsFolder, '.parts']);
  const others = (await readdir(directory)).filter((name) => !known.has(name) && !name.endsWith('.parquet'));
  if (others.length > 0) throw fail('export_folder_taken', { directory, file: others[0] });
  const named = call.all('experiment');
  const writer = new ExportWriter(directory);
  const frames = openFrames();
  try {
    const only = named.length > 0 ? named : undefined;
    await exportAll(new MillraceServer(call.api), writer, only, new Progress(call.note));
    const facts = { id: uuidv7(call.nowMs), createdAt: formatTime(call.nowMs), server: call.api.client.url };
    const tables = await writer.finish(frames, facts);
    call.show({ directory, ...facts, tables }, () =>
      [
        table(
          [
            { head: 'file', value: ([, written]) => written.file },
            { head: 'rows', value: ([, written]) => written.rows.toLocaleString('en-US'), align: 'right' },
            { head: 'digest', value: ([, written]) => written.digest },
          ],
          Object.entries(tables),
          call.width,
        ),
        `Written to ${directory}; ${manifestFile} tells what is in it.`,
      ].join('\n'),
    );
  } finally {
    await frames.close();
  }
  return undefined;
}

/** `millrace import export <directory>` */
export async function importExport(call: CommandCall): Promise<number> {
  const frames = openFrames();
  try {
    return await runImport(call, await openExport(call.at(0), frames));
  } finally {
    await frames.close();
  }
}
