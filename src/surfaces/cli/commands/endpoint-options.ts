import { stringify } from 'yaml';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { endpointSchema } from '../contract.ts';
import { readLocalObject } from '../local-file.ts';

/**
 * `millrace endpoint options <endpoint> [file]`: prints the options as YAML; or puts those of a file in force, where what
 * is left out is as it usually is.
 */
export async function options(call: CommandCall): Promise<undefined> {
  const file = call.at(1);
  const now = await call.api.get(`endpoints/${part(call.at(0))}`, endpointSchema);
  if (file === '') {
    call.show(now.options, () => stringify(now.options).trimEnd());
    return;
  }
  const reason = call.option('reason');
  if (reason === undefined) throw new UsageError('--reason <text> is missing: a change of options says why');
  const body = {
    name: now.name,
    model: now.model,
    options: await readLocalObject(file, 'a file of options'),
    reason,
  };
  const { name, options: changed, routeVersion } = await call.api.post('endpoints', body, endpointSchema);
  call.show(changed, () =>
    routeVersion === now.routeVersion
      ? `The options of ${name} are so already.`
      : `The options of ${name} are in force with route ${routeVersion}.`,
  );
}
