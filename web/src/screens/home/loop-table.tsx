import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Loop } from '../../../../src/loop/contract.ts';
import { windowsQuery } from '../../api/queries.ts';
import { SparkBars, Sparkline } from '../../charts/draw/sparkline.tsx';
import { groupWindows, qualitySeries } from '../../charts/prepare/loop-history.ts';
import { wheelOfLoop } from '../../charts/prepare/loop-wheel.ts';
import { Estimate } from '../../kit/number.tsx';
import { Card } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { stateOfTurn, turnWord } from '../../kit/turn-text.ts';
import { Wheel } from '../../kit/wheel.tsx';

const COLUMNS =
  'grid items-center gap-x-4 px-4 md:grid-cols-[28px_minmax(140px,1fr)_64px_260px_110px_minmax(200px,1.2fr)]';

/** Many models: one line each, worst first is left to the list above. */
export function LoopTable(props: { readonly loops: readonly Loop[]; readonly alerts: readonly Alert[] }) {
  return (
    <Card title={`Models (${props.loops.length})`} flush>
      <div
        aria-hidden
        className={`hidden border-line border-t py-1.5 text-label text-muted md:grid ${COLUMNS}`}
      >
        <span className="col-start-2">Model</span>
        <span>Champion</span>
        <span>Log loss</span>
        <span>Requests</span>
        <span>Last turn</span>
      </div>
      <ul>
        {props.loops.map((loop) => (
          <LoopRow
            key={loop.name}
            loop={loop}
            alerts={props.alerts.filter((alert) => alert.endpoint === loop.endpoint)}
          />
        ))}
      </ul>
    </Card>
  );
}

function LoopRow(props: { readonly loop: Loop; readonly alerts: readonly Alert[] }) {
  const { loop, alerts } = props;
  const windows = useQuery(windowsQuery(loop.endpoint));
  const items = windows.data?.items ?? [];
  const turn = loop.activeTurn ?? loop.lastTurn;
  const line = qualitySeries(items, turn ? [turn] : [], 'logLoss')[0]?.points.slice(-30) ?? [];
  const now = line.findLast((point) => point.value !== null);
  const traffic = groupWindows(items)
    .slice(-30)
    .map((group) => group.reduce((sum, window) => sum + window.rows, 0));
  return (
    <li>
      <Link
        to="/loops/$loop"
        params={{ loop: loop.name }}
        className={`grid-cols-[28px_1fr_max-content] border-line border-t py-2 hover:bg-sunken ${COLUMNS}`}
      >
        <Wheel {...wheelOfLoop(loop, alerts, items.length > 0)} size={24} />
        <span className="truncate font-strong" title={loop.name}>
          {loop.name}
        </span>
        <span className="text-muted">{loop.championVersion === null ? '–' : `v${loop.championVersion}`}</span>
        <span className="hidden items-center gap-3 md:flex">
          <Sparkline values={line.map((point) => point.value)} label="Log loss over the last windows" />
          <Estimate
            value={now?.value}
            low={now?.low ?? null}
            high={now?.high ?? null}
            {...(now?.of ? { of: now.of } : {})}
          />
        </span>
        <span className="hidden md:block">
          <SparkBars values={traffic} label="Requests over the last windows" />
        </span>
        <span className="col-span-2 col-start-2 flex min-w-0 items-center gap-2 truncate text-muted md:col-span-1 md:col-start-auto">
          {turn && (
            <>
              <StateMark state={stateOfTurn(turn.state)} />
              <span className="truncate">
                {turn.challengerVersion !== null && `v${turn.challengerVersion} `}
                {turnWord(turn.state)}
              </span>
              <Ago at={turn.finishedAt ?? turn.startedAt} className="ml-auto" />
            </>
          )}
        </span>
      </Link>
    </li>
  );
}
