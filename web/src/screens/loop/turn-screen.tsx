import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Turn } from '../../../../src/loop/contract.ts';
import { turnQuery } from '../../api/queries.ts';
import { wheelOfTurn } from '../../charts/prepare/loop-wheel.ts';
import { DatasetLink } from '../../kit/dataset-link.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { formatDuration } from '../../kit/format.ts';
import { GateList } from '../../kit/gate-list.tsx';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { lastRollout } from '../../kit/rollout/turn-rollout.ts';
import { RolloutView } from '../../kit/rollout-view.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { StepPanel } from '../../kit/step-panel.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import {
  actorName,
  humane,
  reasonOf,
  sentence,
  stateOfTurn,
  turnWord,
  whyItBegan,
} from '../../kit/turn-text.ts';
import { Wheel } from '../../kit/wheel.tsx';
import { Story } from './story.tsx';
import { TurnActs } from './turn-acts.tsx';
import { RefitCard, StepRows } from './turn-steps.tsx';

const route = getRouteApi('/turns/$turnId');

/** One go round the circle, with the evidence of each decision. */
export function TurnScreen() {
  const { turnId } = route.useParams();
  const { step } = route.useSearch();
  const navigate = useNavigate({ from: '/turns/$turnId' });
  const close = useCallback(() => void navigate({ search: {} }), [navigate]);
  const turn = useQuery(turnQuery(turnId));
  return (
    <Page>
      <QueryView
        query={turn}
        rows={8}
        title="Turn"
        missing={<Missing what="turn" name={turnId} list="/turns" listName="Turns" />}
      >
        {(data) => <TurnBody turn={data} />}
      </QueryView>
      {step && <StepPanel id={step} onClose={close} />}
    </Page>
  );
}

function TurnBody(props: { readonly turn: Turn }) {
  const { turn } = props;
  const version = turn.challengerVersion;
  return (
    <>
      <PageHead
        mark={<Wheel {...wheelOfTurn(turn, turn.failure?.state)} size={56} />}
        title={
          <span className="flex flex-wrap items-baseline gap-x-3">
            {turn.loop}, turn {turn.number}
            <span className="font-normal text-body">
              <StateLabel state={stateOfTurn(turn.state)}>
                {version !== null && `v${version} `}
                {turnWord(turn.state)}
              </StateLabel>
            </span>
          </span>
        }
        sentence={reasonOf(turn)}
        actions={<TurnActs turn={turn} />}
      />
      <div className="grid gap-4 lg:grid-cols-[3fr_2fr]">
        <div className="flex min-w-0 flex-col gap-4">
          {lastRollout(turn) && (
            <Card
              title={turn.finishedAt ? 'How the rollout went' : 'The rollout now'}
              note={
                <Link to="/endpoints/$endpoint" params={{ endpoint: turn.endpoint }} className="text-accent">
                  deployment
                </Link>
              }
            >
              <RolloutView turn={turn} />
            </Card>
          )}
          <Card title="What happened">
            <Story transitions={turn.transitions} />
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Card title="Why it began">
            <p className="pb-3">{whyItBegan(turn.trigger)}</p>
            <Facts
              facts={[
                ['Asked by', actorName(turn.trigger.by)],
                [
                  'Began',
                  <span key="b" className="flex flex-wrap gap-x-3">
                    <Ago at={turn.startedAt} />
                    {turn.startedEventTime && <EventTime at={turn.startedEventTime} precise />}
                  </span>,
                ],
                turn.finishedAt !== null && [
                  'Took',
                  formatDuration(Date.parse(turn.finishedAt) - Date.parse(turn.startedAt)),
                ],
                turn.trigger.merged.length > 0 && [
                  'Also',
                  turn.trigger.merged.map((each) => humane(each.reason)).join('; '),
                ],
                turn.datasetVersionId !== null && [
                  'Data',
                  <DatasetLink key="d" id={turn.datasetVersionId} />,
                ],
                turn.runId !== null && [
                  'Run',
                  <Link key="r" to="/runs/$runId" params={{ runId: turn.runId }} className="text-accent">
                    {turn.runId.slice(0, 8)}
                  </Link>,
                ],
                version !== null && [
                  'Version',
                  <Link
                    key="v"
                    to="/models/$model/versions/$version"
                    params={{ model: turn.model, version: String(version) }}
                    className="text-accent"
                  >
                    {turn.model} v{version}
                  </Link>,
                ],
              ]}
            />
          </Card>
          {turn.failure && (
            <Card title="Why it failed">
              <p className="font-strong">{turn.failure.message}</p>
              <p className="pt-1 text-muted">
                It stands at {turnWord(turn.failure.state)}; a retry goes on there, with the loop file and the
                code that the turn began with. Where those are wrong, correct them, put them in force with{' '}
                <code>millrace apply</code>, and start another turn from the{' '}
                <Link to="/loops/$loop" params={{ loop: turn.loop }} className="text-accent underline">
                  loop
                </Link>
                .
              </p>
            </Card>
          )}
          <Card title="Gates">
            {turn.gates.length === 0 ? (
              <EmptyLine>Not judged yet.</EmptyLine>
            ) : (
              <GateList gates={turn.gates} />
            )}
          </Card>
          {turn.refit && <RefitCard turn={turn} refit={turn.refit} />}
          {turn.approvals.map((approval) => (
            <Card
              key={approval.askedAt}
              title={approval.stage === 'rollout' ? 'Approval of the rollout' : 'Approval of the promotion'}
            >
              <p>{approval.question}</p>
              <p className="pt-1 text-muted">
                {approval.decision === null
                  ? 'Not decided yet.'
                  : `${sentence(approval.decision)} by ${approval.by === null ? 'nobody' : actorName(approval.by)}: ${approval.reason ?? ''}`}
              </p>
            </Card>
          ))}
          <Card title="Steps" flush className="overflow-hidden">
            {turn.steps.length === 0 ? (
              <div className="px-4 pb-3">
                <EmptyLine>No step has been queued.</EmptyLine>
              </div>
            ) : (
              <StepRows turn={turn} />
            )}
          </Card>
        </div>
      </div>
    </>
  );
}
