import type { Turn } from '../../../../src/loop/contract.ts';
import { Act } from '../../kit/act.tsx';
import { turnWord } from '../../kit/turn-text.ts';

export function TurnActs(props: { readonly turn: Turn }) {
  const { turn } = props;
  const path = `/turns/${encodeURIComponent(turn.id)}`;
  const champion = turn.championVersion === null ? null : `v${turn.championVersion}`;
  const challenger = `v${turn.challengerVersion}`;
  if (turn.state === 'awaiting-approval') {
    const rest = champion === null ? 'the endpoint goes on without a model' : `${champion} goes on`;
    const isPromotion = turn.approvals.at(-1)?.stage === 'promotion';
    return (
      <>
        <Act
          verb="Reject"
          title={`Reject ${challenger}`}
          path={`${path}/reject`}
          look="danger"
          effect={
            isPromotion
              ? `The traffic of ${challenger} returns to ${champion} at once, and the turn ends.`
              : `${challenger} gets no traffic and the turn ends; ${rest}.`
          }
        />
        <Act
          verb="Approve"
          title={isPromotion ? `Make ${challenger} the champion` : `Approve ${challenger}`}
          path={`${path}/approve`}
          look="primary"
          effect={approvalEffect(challenger, champion, isPromotion)}
        />
      </>
    );
  }
  if (turn.state === 'failed') {
    return (
      <Act
        verb="Retry"
        title={`Retry turn ${turn.number}`}
        path={`${path}/retry`}
        look="primary"
        effect={`Goes on at ${turn.failure ? turnWord(turn.failure.state) : 'the step that failed'}; what was done before it is kept.`}
      />
    );
  }
  if (turn.finishedAt === null) {
    const share =
      turn.rollout?.stage === 'canary'
        ? `${turn.rollout.percent}\u202f% of traffic returns to ${champion ?? 'nobody'} at once.`
        : 'No traffic is affected.';
    return (
      <Act
        verb="Abort"
        title={`Abort turn ${turn.number}`}
        path={`${path}/abort`}
        look="danger"
        effect={`The turn ends. ${share}`}
      />
    );
  }
  return null;
}

function approvalEffect(challenger: string, champion: string | null, isPromotion: boolean): string {
  if (champion === null)
    return `${challenger} is the first: it becomes the champion and gets all traffic at once.`;
  return isPromotion
    ? `${challenger} becomes the champion. A rollback brings ${champion} back.`
    : `The rollout of ${challenger} begins, by its steps beside ${champion}; it can be aborted at any of them.`;
}
