import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Loop } from '../../../../src/loop/contract.ts';
import { alertsQuery, loopQuery, loopVersionsQuery, turnsQuery, windowsQuery } from '../../api/queries.ts';
import { type WheelView, wheelOfLoop } from '../../charts/prepare/loop-wheel.ts';
import { STAGES } from '../../charts/prepare/wheel.ts';
import { Act } from '../../kit/act.tsx';
import { DatasetLink } from '../../kit/dataset-link.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { CopyButton, Id } from '../../kit/snippet.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { TurnRows } from '../../kit/turn-rows.tsx';
import { actorName, humane, sentence, waitsText, whyItBegan } from '../../kit/turn-text.ts';
import { Wheel } from '../../kit/wheel.tsx';

const route = getRouteApi('/loops/$loop');

/** One loop: what it waits for, what it has done, and the file that says what it may do. */
export function LoopScreen() {
  const { loop: name } = route.useParams();
  const loop = useQuery(loopQuery(name));
  return (
    <Page>
      <QueryView
        query={loop}
        rows={8}
        title={name}
        missing={<Missing what="loop" name={name} list="/" listName="Loop" />}
      >
        {(data) => <LoopBody loop={data} />}
      </QueryView>
    </Page>
  );
}

function LoopBody(props: { readonly loop: Loop }) {
  const { loop } = props;
  const alerts = useQuery(alertsQuery(loop.endpoint));
  const turns = useQuery(turnsQuery(loop.name));
  const windows = useQuery(windowsQuery(loop.endpoint));
  const versions = useQuery(loopVersionsQuery(loop.name));
  const path = `/loops/${encodeURIComponent(loop.name)}`;
  const wheel = wheelOfLoop(loop, alerts.data?.items ?? [], (windows.data?.items.length ?? 0) > 0);
  return (
    <>
      <PageHead
        mark={<Wheel {...wheel} size={40} />}
        title={loop.name}
        sentence={`${loop.state === 'paused' ? 'Paused. ' : ''}${loop.waitsFor ? waitsText(loop.waitsFor) : ''}`}
        actions={
          <>
            {loop.state === 'active' ? (
              <Act
                verb="Pause"
                title={`Pause ${loop.name}`}
                path={`${path}/pause`}
                effect="No new turn begins and a turn under way stays where it is. Predictions are answered as before."
              />
            ) : (
              <Act
                verb="Resume"
                title={`Resume ${loop.name}`}
                path={`${path}/resume`}
                look="primary"
                effect="A turn under way goes on where it is, and new ones may begin."
              />
            )}
            <Act
              verb="Start a turn"
              title={`Start a turn of ${loop.name}`}
              path={`${path}/trigger`}
              look="primary"
              effect={`Trains a new version on the last ${loop.file.improve?.retrain?.window ?? 'window'} of joined predictions and judges it against ${loop.championVersion === null ? 'the gates' : `v${loop.championVersion}`}. Traffic changes only by the rollout's own rules.`}
              disabled={
                loop.file.improve && !loop.file.improve.retrain.on.includes('manual')
                  ? 'The loop file does not list manual under improve.retrain.on'
                  : false
              }
            />
          </>
        }
      />
      <div className="grid gap-4 lg:grid-cols-[3fr_2fr]">
        <QueryCard
          title="Turns"
          query={turns}
          flush
          className="self-start overflow-hidden"
          isEmpty={(page) => page.items.length === 0}
          empty={
            <div className="px-4 pb-3">
              <EmptyLine>No turn has begun.</EmptyLine>
            </div>
          }
        >
          {(page) => <TurnRows turns={page.items} />}
        </QueryCard>
        <div className="flex min-w-0 flex-col gap-4">
          <Card title="Round the circle">
            <Circle view={wheel} />
          </Card>
          <Card title="Now">
            <Facts
              facts={[
                [
                  'Endpoint',
                  <Link
                    key="e"
                    to="/endpoints/$endpoint"
                    params={{ endpoint: loop.endpoint }}
                    className="text-accent"
                  >
                    {loop.endpoint}
                  </Link>,
                ],
                [
                  'Champion',
                  loop.championVersion === null ? (
                    'none yet'
                  ) : (
                    <Link
                      key="c"
                      to="/models/$model/versions/$version"
                      params={{ model: loop.model, version: String(loop.championVersion) }}
                      className="text-accent"
                    >
                      v{loop.championVersion}
                    </Link>
                  ),
                ],
                ['All predictions in up to', <EventTime key="w" at={loop.watermark} precise />],
                loop.cooldownUntil && [
                  'Cooling down until',
                  <EventTime key="d" at={loop.cooldownUntil} precise />,
                ],
                ['First trained on', <DatasetLink key="ds" id={loop.datasetVersionId} />],
              ]}
            />
            {loop.waitingTriggers.length > 0 && (
              <div className="mt-3 border-line border-t pt-3">
                <h3 className="pb-1 text-label text-muted">Waiting to begin</h3>
                {loop.waitingTriggers.map((trigger) => (
                  <p key={trigger.id} className="py-1">
                    {whyItBegan(trigger)}
                    {trigger.waitsFor && <span className="text-muted"> {waitsText(trigger.waitsFor)}</span>}
                  </p>
                ))}
              </div>
            )}
          </Card>
          <Card
            title={`Loop file, version ${loop.version}`}
            note={
              <>
                applied <Ago at={loop.appliedAt} /> by {actorName(loop.appliedBy)}
              </>
            }
            actions={<CopyButton text={loop.text} label="Copy the loop file" />}
          >
            <Scroll label="Loop file" className="max-h-[480px]">
              <pre className="leading-5">{loop.text}</pre>
            </Scroll>
            {(versions.data?.items.length ?? 0) > 1 && (
              <details className="mt-3 border-line border-t pt-2">
                <summary className="text-muted">Earlier versions</summary>
                {versions.data?.items
                  .filter((version) => version.version !== loop.version)
                  .map((version) => (
                    <p key={version.version} className="flex gap-3 py-1">
                      version {version.version} <Id id={version.digest} text={version.digest.slice(7, 17)} />{' '}
                      <Ago at={version.appliedAt} />
                    </p>
                  ))}
              </details>
            )}
          </Card>
        </div>
      </div>
    </>
  );
}

/** The wheel with its five blades in words. */
function Circle(props: { readonly view: WheelView }) {
  const { view } = props;
  return (
    <div className="flex flex-wrap items-center gap-6">
      <Wheel {...view} size={112} />
      <ul className="grid min-w-0 flex-1 basis-60 grid-cols-[12px_max-content_1fr] items-baseline gap-x-2.5 gap-y-1.5">
        {STAGES.map((stage) => (
          <li key={stage} className="contents">
            <StateMark state={view.states[stage]} />
            <span className="font-strong">{sentence(stage)}</span>
            <span className="min-w-0 text-muted">{humane(view.notes[stage])}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
