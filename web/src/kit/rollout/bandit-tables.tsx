import type { BanditState } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { ArmSwatch } from '../identity.tsx';
import { Scroll } from '../scroll.tsx';
import { Ago } from '../time.tsx';
import { sentence } from '../turn-text.ts';
import { CELL, HEAD } from './arms-table.tsx';

/** What the bandit has learnt of each arm, and what other ways of sharing would have earned. */
export function BanditTables(props: { readonly bandit: BanditState }) {
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
        <Scroll label="What the bandit has learnt">
          <table className="w-full">
            <thead>
              <tr className="border-line border-b">
                <th className={HEAD}>Arm</th>
                <th className={HEAD}>Rewards</th>
                <th className={HEAD}>Mean reward</th>
                <th className={HEAD}>Next share</th>
                <th className={HEAD}>On its way to</th>
              </tr>
            </thead>
            <tbody>
              {arms.map((arm) => (
                <tr key={arm.arm} className="border-line border-b last:border-b-0">
                  <td className={CELL}>
                    <span className="inline-flex items-center gap-2">
                      <ArmSwatch arm={arm.arm} /> {arm.arm}
                    </span>
                  </td>
                  <td className={CELL}>{formatCount(arm.rewards)}</td>
                  <td className={CELL}>{formatNumber(arm.mean, 4)}</td>
                  <td className={CELL}>{formatPercent(arm.share)}</td>
                  <td className={`${CELL} text-muted`}>{formatPercent(arm.wanted)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </section>
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-strong">
          What others would have earned{' '}
          <span className="font-normal text-label text-muted">
            a request, by the logged chances; ± one standard error
          </span>
        </h3>
        <Scroll label="Off-policy estimates">
          <table className="w-full">
            <thead>
              <tr className="border-line border-b">
                <th className={HEAD}>Traffic</th>
                <th className={HEAD} data-tip="Inverse propensity">
                  IPS
                </th>
                <th className={HEAD} data-tip="Inverse propensity, self-normalised">
                  SNIPS
                </th>
                <th className={HEAD}>Doubly robust</th>
              </tr>
            </thead>
            <tbody>
              {policies.map((policy) => (
                <tr key={policy.policy} className="border-line border-b last:border-b-0">
                  <td className={CELL}>{sentence(policy.policy)}</td>
                  <EstimateCell estimate={policy.ips} />
                  <EstimateCell estimate={policy.snips} />
                  <EstimateCell estimate={policy.doublyRobust} />
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </section>
    </div>
  );
}

type PolicyEstimate = BanditState['policies'][number]['ips'];

/** What a policy would have earned a request by one estimator. */
function EstimateCell(props: { readonly estimate: PolicyEstimate }) {
  const { value, standardError, n, effectiveN } = props.estimate;
  return (
    <td className={CELL} data-tip={`on ${formatCount(n)} rewards, worth ${formatCount(effectiveN)}`}>
      {formatNumber(value, 4)}
      {standardError !== null && <span className="text-muted"> ± {formatNumber(standardError, 4)}</span>}
    </td>
  );
}
