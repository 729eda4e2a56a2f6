import { type CommandCall, UsageError } from '../command.ts';
import { isLongFormat } from '../transfer/long-table.ts';
import { openFrames } from '../transfer/open-frames.ts';
import { openLongTable } from '../transfer/parquet-source.ts';
import { runImport } from '../transfer/run-import.ts';

/** `millrace import parquet <file> --format …` */
export async function importParquet(call: CommandCall): Promise<number> {
  const format = call.option('format') ?? 'long';
  if (!isLongFormat(format)) throw new UsageError(`--format ${format} is none of long, wandb and neptune`);
  const frames = openFrames();
  try {
    const options = { format, columns: call.all('column'), experiment: call.option('into') };
    return await runImport(call, await openLongTable(call.at(0), options, frames));
  } finally {
    await frames.close();
  }
}
