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
    for (const warning of now.warnings ?? []) call.note(warning);
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
  const changes = await call.api.post('endpoints', body, endpointSchema);
  const { name, options: changed, routeVersion, warnings } = changes;
  call.show(changed, () =>
    routeVersion === now.routeVersion
      ? `The options of ${name} are so already.`
      : `The options of ${name} are in force with route ${routeVersion}.`,
  );
  for (const warning of warnings ?? []) call.note(warning);
}
