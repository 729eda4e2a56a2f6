import type { CommandCall } from '../command.ts';
import { runImport } from '../transfer/run-import.ts';
import type { TransferSource } from '../transfer/transfer-source.ts';

/** `millrace import mlflow <uri>` */
export async function importMlflow(call: CommandCall): Promise<number> {
  const source = await openSource(call.at(0), call.option('artifacts'));
  return runImport(call, source);
}

async function openSource(uri: string, artifacts: string | undefined): Promise<TransferSource> {
  if (/^https?:\/\//i.test(uri)) {
    const { openMlflowServer } = await import('../transfer/mlflow-server.ts');
    return openMlflowServer(uri, process.env);
  }
  const { openMlflowSqlite } = await import('../transfer/mlflow-sqlite.ts');
  // As SQLAlchemy has it: three slashes before a relative path, four before an absolute one.
  const path = uri.replace(/^sqlite:\/\/\//i, '');
  return openMlflowSqlite(path, artifacts, process.env);
}
