import { fail } from '../../../core/errors.ts';
import { type Api, part } from '../api.ts';
import { loopSchema, type Turn, turnSchema } from '../contract.ts';

/**
 * The turn that a person names: `flight-delay/3`, a turn's id, or a loop's name for its turn under way, else its
 * last one. Throws `not_found`.
 */
export async function turnNamed(api: Api, name: string): Promise<Turn> {
  return api.get(`turns/${part(await turnId(api, name))}`, turnSchema);
}

/** Ids of everything that Millrace makes. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

async function turnId(api: Api, name: string): Promise<string> {
  if (name.includes('/') || uuid.test(name)) return name;
  const { activeTurn, lastTurn } = await api.get(`loops/${part(name)}`, loopSchema);
  const turn = activeTurn ?? lastTurn;
  if (turn) return turn.id;
  throw fail('not_found', { kind: 'turn of loop', id: name, list: `/api/v1/turns?loop=${name}` });
}

/** A turn as people name it. */
export function turnName(turn: { readonly loop: string; readonly number: number }): string {
  return `${turn.loop}/${turn.number}`;
}
