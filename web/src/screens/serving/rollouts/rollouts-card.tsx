import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Endpoint } from '../../../../../src/lifecycle/serving/contract.ts';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import { endpointRolloutQuery, endpointRolloutsQuery } from '../../../api/queries.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { Select } from '../../../kit/fields.tsx';
import { formatMoment } from '../../../kit/format.ts';
import { QueryCard, QueryView } from '../../../kit/panel.tsx';
import { BeginRollout } from './begin-rollout.tsx';
import { STATE_WORDS, triedVersions } from './course-text.ts';
import { RolloutActs } from './rollout-acts.tsx';
import { RolloutCourse } from './rollout-course.tsx';

/** Rollouts that people begin here: the newest (or the chosen one) in full with its acts, and the way to begin one. */
export function RolloutsCard(props: {
  readonly endpoint: Endpoint;
  /** Id of the one to show; the newest unless given. */
  readonly chosen: string | undefined;
  readonly onChoose: (id: string | undefined) => void;
}) {
  const { endpoint, chosen, onChoose } = props;
  const rollouts = useQuery(endpointRolloutsQuery(endpoint.name));
  const items = rollouts.data?.items ?? [];
  const [newest] = items;
  const listed = items.find((rollout) => rollout.id === chosen);
  // An address may name one that is older than the newest, which are listed.
  const isOlder = chosen !== undefined && rollouts.data !== undefined && !listed;
  const older = useQuery({ ...endpointRolloutQuery(endpoint.name, chosen ?? ''), enabled: isOlder });
  const shown = isOlder ? older.data : (listed ?? newest);
  const champion = endpoint.arms.find((arm) => arm.arm === 'champion')?.modelVersion;
  const isOpen = newest !== undefined && newest.endedAt === null;
  return (
    <QueryCard
      title="Rollout"
      query={rollouts}
      actions={
        <div className="flex flex-wrap items-center justify-end gap-2">
          <Link to="/rollouts" search={{ endpoint: endpoint.name }} className="text-accent">
            All rollouts
          </Link>
          {items.length > 1 && shown && (
            <Select
              label="Which rollout"
              value={shown.id}
              options={(isOlder ? [...items, shown] : items).map(
                (rollout) => [rollout.id, optionText(rollout)] as const,
              )}
              onChange={(id) => onChoose(id === newest?.id ? undefined : id)}
            />
          )}
          {shown && shown.id === newest?.id && (
            <RolloutActs key={shown.id} rollout={shown} champion={champion} />
          )}
          <BeginRollout
            endpoint={endpoint}
            isLoading={rollouts.data === undefined}
            underWay={isOpen ? newest : undefined}
          />
        </div>
      }
      rows={5}
      isEmpty={(page) => page.items.length === 0}
      empty={
        <EmptyLine>
          None yet. A rollout gives a version a little traffic, compares it with the champion on what turned
          out, and promotes or aborts it by itself.
        </EmptyLine>
      }
    >
      {() =>
        isOlder ? (
          <QueryView query={older} rows={5}>
            {(rollout) => <RolloutCourse rollout={rollout} endpoint={endpoint} />}
          </QueryView>
        ) : (
          shown && <RolloutCourse rollout={shown} endpoint={endpoint} />
        )
      }
    </QueryCard>
  );
}

const optionText = (rollout: EndpointRollout): string =>
  `${triedVersions(rollout)} ${STATE_WORDS[rollout.state].replace(/:.*/, '')}, ${formatMoment(Date.parse(rollout.createdAt))}`;
