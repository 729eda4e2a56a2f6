import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Api } from '../api.ts';
import { registerDatasetResponseSchema } from '../contract.ts';
import { isSameMachine, readLocal, uploadLocal } from '../local-file.ts';

export interface DatasetRoles {
  readonly time?: string | undefined;
  readonly label?: string | undefined;
  readonly entity?: string | undefined;
  /** See `csvOptionsOf`. */
  readonly csv?: Readonly<Record<string, string>> | undefined;
}

/**
 * Registers a file here as a dataset version: control reads it itself where it runs on this machine, else (or with
 * `upload`) it is sent. The same file again is the same version. Throws `local_file_unreadable` and what control
 * answers.
 */
export async function registerFile(
  api: Api,
  file: string,
  dataset: string,
  roles: DatasetRoles,
  upload: boolean,
): Promise<z.output<typeof registerDatasetResponseSchema>> {
  const path = resolve(file);
  await access(path, constants.R_OK).catch(() => readLocal(path));
  const source = upload || !isSameMachine(api) ? { digest: await uploadLocal(api, path) } : { path };
  return api.post('dataset-versions', { dataset, source, ...roles }, registerDatasetResponseSchema);
}
