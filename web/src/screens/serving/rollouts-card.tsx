import { useQuery } from '@tanstack/react-query';
import type { ArmComparison, EndpointRollout } from '../../../../src/loop/contract.ts';
import { endpointRolloutsQuery } from '../../api/queries.ts';
import { Act } from '../../kit/act.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount, formatPercent, formatSigned } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { Ago } from '../../kit/time.tsx';
import { sentence } from '../../kit/turn-text.ts';

const WORDS: Readonly<Record<ArmComparison['verdict'], string>> = {
  worse: 'worse',
  undecided: 'open',
  notWorse: 'not worse',
  better: 'better',
};

/** Rollouts that people began here, the newest in full: arms, what was compared, what is guarded, and the acts. */
export function RolloutsCard(props: { readonly endpoint: string }) {
  const rollouts = useQuery(endpointRolloutsQuery(props.endpoint));
  const newest = rollouts.data?.items[0];
  return (
    <QueryCard
      title="Rollouts"
      note={newest ? `${newest.state}, ${stepText(newest)}` : 'begun by hand'}
      query={rollouts}
      actions={newest && <RolloutActs rollout={newest} />}
      isEmpty={(page) => page.items.length === 0}
      empty={
        <EmptyLine>None yet: millrace rollout start {props.endpoint} &lt;version&gt; begins one.</EmptyLine>
      }
    >
      {() => newest && <RolloutBody rollout={newest} />}
    </QueryCard>
  );
}

function RolloutBody(props: { readonly rollout: EndpointRollout }) {
  const { look, reason, decisions, bandit, plan } = props.rollout;
  const shares = new Map(bandit?.arms.map((arm) => [arm.arm, arm.share]));
  return (
    <div className="flex flex-col gap-3">
      <p>{sentence(reason)}</p>
      {look && (
        <Scroll label="Arms of the rollout">
          <table className="w-full text-right tabular-nums">
            <thead className="text-label text-muted">
              <tr>
                <th className="text-left font-normal">arm</th>
                <th className="font-normal">requests</th>
                <th className="font-normal">failed</th>
                <th className="font-normal">labelled</th>
                <th className="font-normal">p99 ms</th>
                <th className="font-normal">{String(plan.metric)}</th>
                {bandit && <th className="font-normal">share</th>}
              </tr>
            </thead>
            <tbody>
              {look.arms.map((arm) => (
                <tr key={arm.arm} className="border-line border-t">
                  <td className="text-left">
                    {arm.arm} <span className="text-muted">v{arm.version}</span>
                  </td>
                  <td>{formatCount(arm.requests)}</td>
                  <td>{formatCount(arm.failed)}</td>
                  <td>{formatCount(arm.labelled)}</td>
                  <td>{arm.latencyP99Ms?.toFixed(1) ?? '–'}</td>
                  <td>{arm.mean?.toFixed(4) ?? '–'}</td>
                  {bandit && <td>{formatPercent(shares.get(arm.arm))}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {look && (
        <ul className="flex flex-col gap-1">
          {look.comparisons.map((c) => (
            <li key={`${c.arm}/${c.metric}/${c.segment?.feature}/${c.segment?.value}`}>
              <span className="font-strong">{WORDS[c.verdict]}</span>{' '}
              <span className="text-muted">{comparisonText(c)}</span>
            </li>
          ))}
          {look.guardrails.map((rail) => (
            <li key={rail.name}>
              <span className="font-strong">{rail.verdict}</span>{' '}
              <span className="text-muted">
                {rail.name}: {rail.reason}
              </span>
            </li>
          ))}
        </ul>
      )}
      <ol className="flex flex-col gap-1 text-muted">
        {decisions.toReversed().map((d) => (
          <li key={`${d.at}/${d.action}`}>
            {d.action}: {d.reason} <Ago at={d.at} className="text-label" />
            {!d.actor.startsWith('system') && `, by ${d.actor}`}
          </li>
        ))}
      </ol>
    </div>
  );
}

function RolloutActs(props: { readonly rollout: EndpointRollout }) {
  const { id, endpoint, state, plan, step, championVersion, look } = props.rollout;
  const own = `/endpoints/${encodeURIComponent(endpoint)}/rollouts/${encodeURIComponent(id)}`;
  const steps = Array.isArray(plan.steps) ? (plan.steps as readonly number[]) : [];
  const next = steps[step.index === null ? 0 : step.index + 1];
  const arms = look?.arms.filter((arm) => arm.arm !== 'champion') ?? [];
  if (state === 'promoted') {
    return (
      <Act
        verb="Roll back"
        look="danger"
        title={`Back to v${championVersion}`}
        path={`${own}/rollback`}
        effect={`v${championVersion} has all traffic again, at once.`}
      />
    );
  }
  if (state !== 'running' && state !== 'paused' && state !== 'ready') return null;
  return (
    <>
      {state === 'running' && (
        <Act
          verb="Pause"
          title="Pause the rollout"
          path={`${own}/pause`}
          effect="The shares stay as they are. Harm is still acted on."
        />
      )}
      {state === 'paused' && (
        <Act
          verb="Resume"
          title="Resume the rollout"
          path={`${own}/resume`}
          effect="It goes on by its verdicts."
        />
      )}
      {next !== undefined && state !== 'ready' && (
        <Act
          verb="Advance"
          title={`Go on to ${next} %`}
          path={`${own}/advance`}
          effect={`The version answers ${next} % now, without waiting for the proof of this step.`}
        />
      )}
      {arms.length === 1 && (
        <Act
          verb="Promote"
          look="primary"
          title={`Promote v${arms[0]?.version}`}
          path={`${own}/promote`}
          effect={`v${arms[0]?.version} has all traffic at once; v${championVersion} stays loaded.`}
        />
      )}
      <Act
        verb="Abort"
        look="danger"
        title="Abort the rollout"
        path={`${own}/abort`}
        effect={`All traffic returns to v${championVersion} at once.`}
      />
    </>
  );
}

function stepText({ step }: EndpointRollout): string {
  return step.stage === 'shadow' ? 'in shadow' : `at ${formatPercent(step.percent / 100)}`;
}

/** `logLoss where airport is ZRH: +0.0120 (−0.0010 to +0.0250) on 812 pairs`; above 0 is better. */
function comparisonText(c: ArmComparison): string {
  const where = c.segment ? ` where ${c.segment.feature} is ${c.segment.value}` : '';
  if (c.difference === null) return `${c.metric}${where}: no label yet`;
  const interval =
    c.low === null || c.high === null ? '' : ` (${formatSigned(c.low, 4)} to ${formatSigned(c.high, 4)})`;
  return `${c.arm} in ${c.metric}${where}: better by ${formatSigned(c.difference, 4)}${interval} on ${formatCount(c.n)} ${c.compared === 'pairs' ? 'pairs' : 'labels'}`;
}
