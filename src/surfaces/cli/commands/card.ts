import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { modelCardSchema } from '../contract.ts';

/** `millrace card <model> <version>` */
export async function card({ api, at, json, print, show }: CommandCall): Promise<undefined> {
  const path = `registered-models/${part(at(0))}/versions/${part(at(1))}/card`;
  if (json) {
    show(await api.get(path, modelCardSchema), () => '');
    return;
  }
  const response = await api.client.fetch(`/api/v1/${path}?format=markdown`);
  print((await response.text()).trimEnd());
}
