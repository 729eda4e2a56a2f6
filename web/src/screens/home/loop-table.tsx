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

/** Many models: one line each, worst first is left to the list above. */
export function LoopTable(props: { readonly loops: readonly Loop[]; readonly alerts: readonly Alert[] }) {
  return (
    <Card title={`Models (${props.loops.length})`} flush>
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
        className="grid grid-cols-[28px_1fr_max-content] items-center gap-x-4 border-line border-t px-4 py-2 hover:bg-sunken md:grid-cols-[28px_minmax(140px,1fr)_56px_260px_110px_minmax(200px,1.2fr)]"
      >
        <Wheel {...wheelOfLoop(loop, alerts, items.length > 0)} size={24} />
        <span className="truncate font-strong">{loop.name}</span>
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
        <span className="hidden min-w-0 items-center gap-2 truncate text-muted md:flex">
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
