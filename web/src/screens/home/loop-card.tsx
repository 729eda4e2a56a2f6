import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Loop, TurnSummary } from '../../../../src/loop/contract.ts';
import { windowsQuery } from '../../api/queries.ts';
import { MarkLegend } from '../../charts/draw/frame.tsx';
import { HoverGroup } from '../../charts/draw/hover.tsx';
import { TimeChart } from '../../charts/draw/time-chart.tsx';
import { TrafficChart } from '../../charts/draw/traffic-chart.tsx';
import {
  groupWindows,
  marksOf,
  qualitySeries,
  TRAFFIC_PARTS,
  trafficWindows,
} from '../../charts/prepare/loop-history.ts';
import { wheelOfLoop } from '../../charts/prepare/loop-wheel.ts';
import { formatCount } from '../../kit/format.ts';
import { Estimate } from '../../kit/number.tsx';
import { QueryView } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { EventTime } from '../../kit/time.tsx';
import { TurnRows } from '../../kit/turn-rows.tsx';
import { reasonOf, sentence, stateOfTurn, turnWord, waitsText } from '../../kit/turn-text.ts';
import { Wheel } from '../../kit/wheel.tsx';

const TURNS_SHOWN = 8;

/** One model with its whole circle: how it is now, how it got there, what the loop did. */
export function LoopCard(props: {
  readonly loop: Loop;
  readonly alerts: readonly Alert[];
  readonly turns: readonly TurnSummary[];
}) {
  const { loop, alerts, turns } = props;
  const windows = useQuery(windowsQuery(loop.endpoint));
  const items = windows.data?.items;
  const marks = useMemo(() => marksOf(turns, alerts), [turns, alerts]);
  const quality = useMemo(() => qualitySeries(items ?? [], turns, 'logLoss'), [items, turns]);
  const traffic = useMemo(() => trafficWindows(items ?? [], turns), [items, turns]);
  const wheel = wheelOfLoop(loop, alerts, (items?.length ?? 0) > 0);
  const turn = loop.activeTurn ?? loop.lastTurn;
  return (
    <article className="min-w-0 rounded-card border border-line bg-surface" aria-label={loop.name}>
      <header className="flex flex-wrap items-center gap-x-5 gap-y-4 px-4 pt-4 pb-3 sm:px-5">
        <Wheel {...wheel} size={72} />
        <div className="flex min-w-0 flex-1 basis-72 flex-col gap-0.5">
          <div className="flex flex-wrap items-baseline gap-x-3">
            <h2 className="font-strong text-page">
              <Link to="/loops/$loop" params={{ loop: loop.name }} className="hover:text-accent">
                {loop.name}
              </Link>
            </h2>
            {loop.championVersion === null ? (
              <span className="text-muted">no champion yet</span>
            ) : (
              <Link
                to="/models/$model/versions/$version"
                params={{ model: loop.model, version: String(loop.championVersion) }}
                className="text-muted hover:text-text"
              >
                v{loop.championVersion} champion
              </Link>
            )}
            {loop.state === 'paused' && <span className="text-muted">paused</span>}
          </div>
          {turn && (
            <Link
              to="/turns/$turnId"
              params={{ turnId: turn.id }}
              className="flex items-baseline gap-2 text-lead hover:text-accent"
            >
              <StateMark state={stateOfTurn(turn.state)} />
              <span className="min-w-0">
                {turn.challengerVersion === null
                  ? sentence(turnWord(turn.state))
                  : `v${turn.challengerVersion} ${turnWord(turn.state)}`}
                . {reasonOf(turn)}
              </span>
            </Link>
          )}
          <p className="text-muted">{waitsText(loop.waitsFor)}</p>
        </div>
        <NowFigures loop={loop} windows={items ?? []} />
      </header>
      <div className="px-4 pb-3 sm:px-5">
        <QueryView
          query={windows}
          rows={4}
          isEmpty={(page) => page.items.length === 0}
          empty={
            <p className="border-line border-t py-4 text-muted">
              Quality and traffic appear when the first window of event time closes.
            </p>
          }
        >
          {() => (
            <HoverGroup>
              <TimeChart
                title="Log loss on real outcomes"
                series={quality}
                marks={marks}
                fromZero={false}
                height={190}
                empty="No window has enough labels yet."
              />
              <TrafficChart
                title="Requests per window"
                windows={traffic}
                parts={TRAFFIC_PARTS}
                marks={marks}
                height={110}
              />
              <MarkLegend kinds={marks.map((mark) => mark.kind)} />
            </HoverGroup>
          )}
        </QueryView>
      </div>
      {turns.length > 0 && (
        <div className="overflow-hidden rounded-b-card">
          <h3 className="px-4 pt-2 pb-2 font-strong sm:px-5">
            What the loop did
            {turns.length > TURNS_SHOWN && (
              <Link to="/turns" search={{ loop: loop.name }} className="ml-3 font-normal text-accent">
                all {turns.length}
              </Link>
            )}
          </h3>
          <TurnRows turns={turns.slice(0, TURNS_SHOWN)} />
        </div>
      )}
    </article>
  );
}

function NowFigures(props: { readonly loop: Loop; readonly windows: Parameters<typeof groupWindows>[0] }) {
  const champion = String(props.loop.championVersion);
  const own = groupWindows(props.windows).flatMap((group) =>
    group.filter((window) => window.modelVersion === champion),
  );
  const judged = own.findLast(
    (window) =>
      window.performance.mature &&
      window.performance.metrics.some((metric) => metric.verdict !== 'insufficient'),
  );
  const metric = (name: string) => judged?.performance.metrics.find((each) => each.metric === name);
  const latest = groupWindows(props.windows).at(-1);
  const rows = latest?.reduce((sum, window) => sum + window.rows, 0);
  return (
    <dl className="grid grid-cols-2 gap-x-8 gap-y-2 sm:flex">
      {(['logLoss', 'auc'] as const).map((name) => {
        const found = metric(name);
        return (
          <div key={name} className="flex flex-col">
            <dt className="text-label text-muted">{name === 'auc' ? 'AUC now' : 'Log loss now'}</dt>
            <dd className="text-section">
              <Estimate
                value={found?.value ?? null}
                low={found?.low ?? null}
                high={found?.high ?? null}
                of={
                  judged
                    ? `${formatCount(judged.performance.labelled)} labelled predictions of v${champion}, window of ${judged.start.slice(0, 10)}`
                    : 'No mature window of this version yet'
                }
              />
            </dd>
          </div>
        );
      })}
      <div className="flex flex-col">
        <dt className="text-label text-muted">Requests, last window</dt>
        <dd className="text-section">
          {rows === undefined ? <span className="text-faint">–</span> : `${formatCount(rows)}`}
        </dd>
      </div>
      <div className="flex flex-col">
        <dt className="text-label text-muted">Event time</dt>
        <dd className="text-section">
          <EventTime at={props.loop.watermark} />
        </dd>
      </div>
    </dl>
  );
}
