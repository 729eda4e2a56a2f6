import { formatTime, parseDuration, parseTime } from '../../core/time.ts';
import type { BanditState, Rollout } from '../contract.ts';
import type { Decision, TurnContext } from '../engine/turn-context.ts';
import { wantsOtherShares } from '../verdict/bandit.ts';
import { known } from './known.ts';
import { deployInputs, splitOf } from './rollout-steps.ts';

/** Whether a bandit's shares change now: `every` has passed in event time, and it wants others. */
export function isWeighingDue(
  turn: TurnContext,
  { stage, bandit, percent, weighedEventTime, sinceEventTime }: Rollout,
) {
  const { every } = turn.file.deploy.bandit ?? {};
  if (stage !== 'bandit' || !bandit || every === undefined || turn.watermarkMs === undefined) return false;
  if (turn.paused) return false;
  const share = percent / 100;
  if (!wantsOtherShares(bandit, { champion: 1 - share, challenger: share })) return false;
  const last = weighedEventTime ?? sinceEventTime;
  return last === null || turn.watermarkMs - parseTime(last) >= parseDuration(every);
}

/**
 * Decides by what shares a bandit goes on: written down before the traffic follows, so that what a crash cuts off is done
 * as it was decided, whatever came in since.
 */
export function decideShares(rollout: Rollout): Decision {
  const share = shareOf(known(rollout.bandit ?? undefined, 'bandit'));
  // Traffic is given out in ten-thousandths.
  const weighing = Math.round(10_000 * share) / 100;
  return {
    do: 'note',
    change: { rollout: { ...rollout, weighing } },
    reason: rollout.reason,
    decides: false,
  };
}

/** Puts the decided shares in force as the next route version. Done again after a crash, it finds them there. */
export function weighBandit(turn: TurnContext, rollout: Rollout, percent: number): Decision {
  const reason = `version ${turn.challengerVersion} gets ${percent.toFixed(1)} % by its rewards`;
  const { target } = deployInputs(turn, 'split', null, reason);
  const weighedEventTime = turn.watermarkMs === undefined ? null : formatTime(turn.watermarkMs);
  const act = async () => {
    const routeVersion = await turn.ports.serving.split(target, splitOf(turn, 'bandit', percent), reason);
    const bandit = rollout.bandit && { ...rollout.bandit, changedAt: formatTime(turn.nowMs) };
    return { rollout: { ...rollout, bandit, percent, routeVersion, weighing: null, weighedEventTime } };
  };
  return { do: 'note', change: { rollout }, reason: rollout.reason, decides: false, act };
}

function shareOf({ arms }: BanditState): number {
  return arms.find(({ arm }) => arm === 'challenger')?.share ?? 0;
}
