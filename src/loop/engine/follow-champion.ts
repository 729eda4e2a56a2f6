import { updateLoop } from '../store/loops.ts';
import type { LoopRow } from '../store/tables.ts';
import type { EngineDeps } from './loop-engine.ts';

/**
 * Between turns the endpoint follows the registry: when somebody promotes another version or rolls back there, it
 * gets the traffic. What is changed at the endpoint itself stays as it is until the registry's champion changes.
 *
 * @returns whether anything was changed
 */
export async function followChampion(deps: EngineDeps, row: LoopRow): Promise<boolean> {
  const champion = await deps.ports.registry.champion(row.name);
  if (!champion || champion.version === row.followed_version) return false;
  if ((await deps.ports.serving.champion(row.endpoint)) !== champion.version) {
    const target = {
      endpoint: row.endpoint,
      model: row.name,
      version: champion.version,
      digest: champion.digest,
    };
    await deps.ports.serving.deploy(target, `version ${champion.version} was made champion in the registry`);
  }
  await deps.db.write((tx) => updateLoop(tx, row.name, { followed_version: champion.version }));
  return true;
}
