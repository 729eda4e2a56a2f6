import { readFile } from 'node:fs/promises';
import { type CommandCall, UsageError } from '../command.ts';
import { createdPackageSchema } from '../contract.ts';

/** `millrace package <model> --remote URL [--remote-model name] [--remote-version version] | --file runtime.json` */
export async function createPackage(call: CommandCall): Promise<undefined> {
  const model = call.at(0);
  const [url, file] = [call.option('remote'), call.option('file')];
  if ((url === undefined) === (file === undefined)) throw new UsageError('give either --remote or --file');
  const runtime = file === undefined ? remoteOf(call, url ?? '', model) : await readRuntime(file);
  const created = await call.api.post('packages', { model, runtime }, createdPackageSchema);
  const inputs = created.signature.inputs.map((field) => `${field.name} (${field.type})`).join(', ');
  call.show(
    created,
    () =>
      `Version ${created.version} of ${model} takes ${inputs}. Deploy it: millrace deploy ${model} ${created.version} --reason <text>`,
  );
  return undefined;
}

function remoteOf(call: CommandCall, url: string, model: string) {
  const version = call.option('remote-version');
  return {
    kind: 'remote',
    url,
    model: call.option('remote-model') ?? model,
    ...(version ? { version } : {}),
  };
}

async function readRuntime(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
}
