import type { Turn } from '../../../../src/loop/contract.ts';
import { Act } from '../../kit/act.tsx';
import { turnWord } from '../../kit/turn-text.ts';

export function TurnActs(props: { readonly turn: Turn }) {
  const { turn } = props;
  const path = `/turns/${encodeURIComponent(turn.id)}`;
  const champion = turn.championVersion === null ? 'nothing' : `v${turn.championVersion}`;
  if (turn.state === 'awaiting-approval') {
    return (
      <>
        <Act
          verb="Reject"
          title={`Reject v${turn.challengerVersion}`}
          path={`${path}/reject`}
          look="danger"
          effect={`v${turn.challengerVersion} gets no traffic and the turn ends. ${champion} goes on.`}
        />
        <Act
          verb="Approve"
          title={`Approve v${turn.challengerVersion}`}
          path={`${path}/approve`}
          look="primary"
          effect={`The rollout of v${turn.challengerVersion} goes on by its steps; it can still be rolled back at any of them.`}
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
        ? `${turn.rollout.percent}\u202f% of traffic returns to ${champion} at once.`
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
