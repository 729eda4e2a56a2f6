import type { TurnContext } from '../engine/turn-context.ts';

/** What is known of a version that a turn's script has made once more. */
type MadeBefore =
  | { readonly refused: true; readonly reason: string }
  /** `note` continues the reason of the turn's next move; empty for a version that is new. */
  | { readonly refused: false; readonly note: string };

/**
 * Whether a turn may go on with the version that its script made. The champion's own model need not be rolled out; one
 * that was rolled back, or was champion once, is begun again only when a person asked for the turn.
 */
export async function madeBefore(turn: TurnContext, version: number): Promise<MadeBefore> {
  if (version === turn.championVersion) {
    return { refused: true, reason: `the script made the champion's own model again (version ${version})` };
  }
  const judged = await turn.judgedChampion();
  if (version === judged?.version) {
    const from = `that champion ${turn.championVersion} was refitted from (version ${version})`;
    return { refused: true, reason: `the script made the model again ${from}` };
  }
  const earlier = await turn.refusedBefore(version);
  if (earlier === null) return { refused: false, note: '' };
  const again = `the script made version ${version} again, ${earlier}`;
  const { cause, by, reason } = turn.trigger;
  if (cause !== 'manual') return { refused: true, reason: again };
  return { refused: false, note: `; ${again}. It is begun once more because ${by} asked for it: ${reason}` };
}
