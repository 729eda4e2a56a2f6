import type { BanditState } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent, plural } from '../format.ts';
import { ArmSwatch } from '../identity.tsx';
import { Table, type TableColumn } from '../table.tsx';
import { Ago } from '../time.tsx';
import { sentence } from '../turn-text.ts';
import { ArmText } from './arm-text.tsx';
import { withVersion } from './evidence-text.ts';

/** What the bandit has learnt of each arm, and what other ways of sharing would have earned. */
export function BanditTables(props: {
  readonly bandit: BanditState;
  /** Versions by arm. */
  readonly versions: ReadonlyMap<string, string>;
}) {
  const { arms, policies, changedAt } = props.bandit;
  return (
    <div className="grid gap-x-8 gap-y-5 lg:grid-cols-2">
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-strong">
          What it has learnt{' '}
          <span className="font-normal text-label text-muted">
            {changedAt ? (
              <>
                shares moved <Ago at={changedAt} />
              </>
            ) : (
              'shares have not moved yet'
            )}
          </span>
        </h3>
        <Table
          label="What the bandit has learnt"
          rows={arms}
          columns={armColumns(props.versions)}
          rowKey={(arm) => arm.arm}
        />
      </section>
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-strong">
          What others would have earned{' '}
          <span className="font-normal text-label text-muted">
            a request, by the logged chances; ± one standard error
          </span>
        </h3>
        <Table
          label="Off-policy estimates"
          rows={policies}
          columns={policyColumns(props.versions)}
          rowKey={(policy) => policy.policy}
        />
      </section>
    </div>
  );
}

type BanditArm = BanditState['arms'][number];
type Policy = BanditState['policies'][number];

const armColumns = (versions: ReadonlyMap<string, string>): readonly TableColumn<BanditArm>[] => [
  {
    id: 'arm',
    head: 'Arm',
    cell: ({ arm }) => (
      <span className="inline-flex items-center gap-2">
        <ArmSwatch arm={arm} /> <ArmText arm={arm} version={versions.get(arm)} />
      </span>
    ),
  },
  {
    id: 'rewards',
    head: 'Rewards',
    headTip: 'One for each entity under each split of the traffic: the mean of what it brought.',
    cell: (arm) => formatCount(arm.rewards),
  },
  { id: 'mean', head: 'Mean reward', cell: (arm) => formatNumber(arm.mean, 4) },
  { id: 'share', head: 'Next share', cell: (arm) => formatPercent(arm.share) },
  { id: 'wanted', head: 'On its way to', muted: true, cell: (arm) => formatPercent(arm.wanted) },
];

const policyColumns = (versions: ReadonlyMap<string, string>): readonly TableColumn<Policy>[] => [
  { id: 'policy', head: 'Traffic', cell: ({ policy }) => sentence(withVersion(policy, versions)) },
  estimated('ips', 'IPS', 'Inverse propensity'),
  estimated('snips', 'SNIPS', 'Inverse propensity, self-normalised'),
  estimated('doublyRobust', 'Doubly robust', 'A model of the rewards, corrected by inverse propensity'),
];

/** What a policy would have earned a request by one estimator. */
function estimated(id: 'ips' | 'snips' | 'doublyRobust', head: string, headTip: string): TableColumn<Policy> {
  return {
    id,
    head,
    headTip,
    tip: (policy) => `on ${plural(policy[id].n, 'reward')}, worth ${formatCount(policy[id].effectiveN)}`,
    cell: (policy) => (
      <span>
        {formatNumber(policy[id].value, 4)}
        {policy[id].standardError !== null && (
          <span className="text-muted"> ± {formatNumber(policy[id].standardError, 4)}</span>
        )}
      </span>
    ),
  };
}
